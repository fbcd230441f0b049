"""CoinGecko's prices, read without trusting them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coingecko.number import finite_number
from producer.quote import Quote

#: Of the year 9999. Later times would leave the range of what carries them.
_LAST_SECOND: Final = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Prices:
    """What an answer to ``/simple/price`` holds.

    Attributes:
        quotes: in the order of the ids asked for.
        missing: what was asked for and has no usable price, as ``coin`` or ``coin in currency``.
        undated: coins whose price came without a time that makes sense; theirs is that of the poll.
    """

    quotes: list[Quote] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    undated: frozenset[str] = frozenset()


def parse_prices(body: object, *, ids: Sequence[str], currencies: Sequence[str], polled_at: int) -> Prices:
    """Read an answer to ``/simple/price``; ``polled_at`` is epoch milliseconds.

    Raises:
        ValueError: it is no such answer.
    """
    if not isinstance(body, dict):
        raise ValueError("the answer is not an object of prices by coin")
    quotes: list[Quote] = []
    missing: list[str] = []
    undated: set[str] = set()
    for coin_id in ids:
        fields = body.get(coin_id)
        if not isinstance(fields, dict):
            missing.append(coin_id)
            continue
        event_time = _event_time(fields)
        if event_time is None:
            undated.add(coin_id)
            event_time = polled_at
        for currency in currencies:
            quote = _quote(coin_id, currency, fields, event_time, polled_at)
            if quote is None:
                missing.append(f"{coin_id} in {currency}")
            else:
                quotes.append(quote)
    return Prices(quotes, missing, frozenset(undated))


def absent_currencies(body: object, currencies: Sequence[str]) -> list[str]:
    """Name the currencies that no coin of the answer has, not even as null.

    That is how ``/simple/price`` passes over a currency that it does not know.
    """
    coins = [fields for fields in body.values() if isinstance(fields, dict)] if isinstance(body, dict) else []
    return [currency for currency in currencies if coins and not any(currency in fields for fields in coins)]


def _event_time(fields: Mapping[str, object]) -> int | None:
    """Read the time (epoch ms); None where there is none, or none that a calendar has."""
    updated = finite_number(fields.get("last_updated_at"))
    return None if updated is None or abs(updated) > _LAST_SECOND else round(updated * 1000)


def _quote(coin_id: str, currency: str, fields: Mapping[str, object], event_time: int, polled_at: int) -> Quote | None:
    price = finite_number(fields.get(currency))
    if price is None or price <= 0:
        return None
    return Quote(
        coin_id=coin_id,
        vs_currency=currency,
        price=price,
        event_time=event_time,
        polled_at=polled_at,
        market_cap=finite_number(fields.get(f"{currency}_market_cap")),
        volume_24h=finite_number(fields.get(f"{currency}_24h_vol")),
        change_24h_pct=finite_number(fields.get(f"{currency}_24h_change")),
    )
