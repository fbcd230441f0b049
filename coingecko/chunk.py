"""Chunks: the parts of a range of history, each one call to the API and one file that is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from pricestream.errors import SettingsError
from pricestream.utc import iso

_HOUR: Final = 3_600
_DAY: Final = 86_400
#: A longer range would come back as one point a day in place of one an hour.
_LONGEST_SECONDS: Final = 90 * _DAY
#: CoinGecko answers from a copy that may be half an hour old, so the last hour is never whole.
_SETTLED_AFTER_SECONDS: Final = _HOUR
#: How far back history may be asked for; a plan that is not here has no bound.
_REACH_DAYS: Final = {"keyless": 365, "demo": 365}


@dataclass(frozen=True, slots=True)
class Chunk:
    """The history of one coin in one currency over ``[start_s, end_s)``, epoch seconds UTC."""

    coin_id: str
    vs_currency: str
    start_s: int
    end_s: int

    @property
    def key(self) -> str:
        """Where its file lies below the folder of history."""
        span = f"{_stamp(self.start_s)}_{_stamp(self.end_s)}"
        return f"coin_id={self.coin_id}/vs_currency={self.vs_currency}/{span}.jsonl"


def plan_chunks(
    coins: Sequence[str], currencies: Sequence[str], *, start_s: int, end_s: int, now_s: int
) -> list[Chunk]:
    """Cut ``[start_s, end_s)`` into chunks, the earliest of all coins first. Times are epoch seconds UTC.

    The cuts are at fixed moments, 90 days apart, so that ranges that overlap have most chunks in
    common. What is not over, or so fresh that its answer may not be whole, is left out: a chunk that
    is kept is complete for good. The earliest come first because they may soon be out of reach.

    Raises:
        SettingsError: the range is empty, or nothing of it is over yet.
    """
    if start_s >= end_s:
        raise SettingsError(f"--from {iso(start_s)} is not before --to {iso(end_s)}")
    settled_s = (now_s - _SETTLED_AFTER_SECONDS) // _HOUR * _HOUR
    if start_s >= settled_s:
        raise SettingsError(
            f"--from {iso(start_s)} is too late: CoinGecko's history is complete up to {iso(settled_s)} by now"
        )
    end_s = min(end_s, settled_s)
    cuts = [start_s, *range((start_s // _LONGEST_SECONDS + 1) * _LONGEST_SECONDS, end_s, _LONGEST_SECONDS), end_s]
    return [
        Chunk(coin_id, currency, begin, end)
        for begin, end in pairwise(cuts)
        for coin_id in dict.fromkeys(coins)
        for currency in dict.fromkeys(currencies)
    ]


def check_reach(missing: Iterable[Chunk], *, plan: str, now_s: int) -> None:
    """See that the plan may ask for chunks that far back; those that are kept need no asking.

    Raises:
        SettingsError: one begins too early.
    """
    days = _REACH_DAYS.get(plan)
    earliest_s = min((chunk.start_s for chunk in missing), default=None)
    if days is None or earliest_s is None:
        return
    # Up to a whole day: the bound moves on while the fetching goes on.
    bound_s = -(-(now_s - days * _DAY) // _DAY) * _DAY
    if earliest_s < bound_s:
        raise SettingsError(
            f"CoinGecko's {plan} plan reaches back {days} days: the earliest --from is {iso(bound_s)[:10]}, "
            f"not {iso(earliest_s)}"
        )


def _stamp(moment_s: int) -> str:
    """Write a moment for a file's name, as short as it can be told."""
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H" if moment_s % _HOUR == 0 else "%Y-%m-%dT%H%M%S")
