"""CoinGecko's answers, read without trusting them: prices, and the shapes in which it reports errors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from producer.quote import Quote

_LONGEST_MESSAGE: Final = 200
_BAD_KEY: Final = 10002
_NOT_IN_PLAN: Final = 10005
_WRONG_HOST: Final = frozenset({10010, 10011})


@dataclass(frozen=True, slots=True)
class ApiError:
    """What an error body says; the code is an HTTP status or one of CoinGecko's own."""

    code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Prices:
    """What an answer to ``/simple/price`` holds.

    Attributes:
        quotes: in the order of the ids asked for.
        missing: what was asked for and has no usable price, as ``coin`` or ``coin in currency``.
        undated: coins whose price came without a time; theirs is that of the poll.
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
        updated = _number(fields.get("last_updated_at"))
        if updated is None:
            undated.add(coin_id)
        event_time = polled_at if updated is None else round(updated * 1000)
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


def find_error(body: object) -> ApiError | None:
    """Find the error that a body reports, in any of CoinGecko's shapes; None where it reports none.

    A coin may be called ``status`` or ``error``: its prices are no error.
    """
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    for status in (error.get("status") if isinstance(error, dict) else None, body.get("status"), body):
        if isinstance(status, dict) and "error_code" in status:
            return ApiError(_code(status["error_code"]), _text(status.get("error_message")))
    if isinstance(error, str):
        return ApiError(_code(body.get("status")), _text(error))
    return None


def is_known(error: ApiError) -> bool:
    """Tell whether an error says by a code or by its text what is wrong."""
    return error.code is not None or _is_unknown_currency(error.message) or _is_unknown_coin(error.message)


def refusal(status: int, error: ApiError | None, *, key_env: str) -> str:
    """Say in one line why CoinGecko refuses and what to do; ``key_env`` is where the key is kept."""
    code = error.code if error and error.code is not None else status
    message = error.message if error else ""
    if code == _BAD_KEY or (status == 401 and code == status):
        return f"CoinGecko refuses the API key ({code}): put a valid one in {key_env}, or set producer.coingecko.plan"
    if code in _WRONG_HOST:
        return (
            f"CoinGecko says that the key in {key_env} belongs to another plan's host ({code}): "
            "set producer.coingecko.plan to the key's own, demo or pro"
        )
    if code == _NOT_IN_PLAN:
        return f"CoinGecko's plan does not include this request ({code}): see producer.coingecko.plan"
    if _is_unknown_currency(message):
        return f"CoinGecko does not know a currency in producer.vs_currencies ({message})"
    if _is_unknown_coin(message):
        return f"CoinGecko does not know a coin in producer.coins ({message})"
    return f"CoinGecko refuses the request ({code})" + (f": {message}" if message else "")


def _is_unknown_currency(message: str) -> bool:
    return "vs_currency" in message.lower() and "invalid" in message.lower()


def _is_unknown_coin(message: str) -> bool:
    return "coin" in message.lower() and "not f" in message.lower()


def _quote(coin_id: str, currency: str, fields: Mapping[str, object], event_time: int, polled_at: int) -> Quote | None:
    price = _number(fields.get(currency))
    if price is None or price <= 0:
        return None
    return Quote(
        coin_id=coin_id,
        vs_currency=currency,
        price=price,
        event_time=event_time,
        polled_at=polled_at,
        market_cap=_number(fields.get(f"{currency}_market_cap")),
        volume_24h=_number(fields.get(f"{currency}_24h_vol")),
        change_24h_pct=_number(fields.get(f"{currency}_24h_change")),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _code(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str:
    return " ".join(str(value or "").split())[:_LONGEST_MESSAGE]
