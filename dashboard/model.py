"""Model: what the page shows, as plain values. All times are epoch milliseconds, UTC; nothing here reads anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

#: So many points a sparkline has at most.
SPARK_PARTS: Final = 48
DAY_MS: Final = 86_400_000
#: Behind a point of a fetched history nothing is missing: such points lie far apart.
_HISTORY: Final = "history"


class Market(NamedTuple):
    """What a price is a price of."""

    coin_id: str
    vs_currency: str


class Span(NamedTuple):
    """A stretch of time, ``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int


NO_TIME: Final = Span(0, 0)


class Bar(NamedTuple):
    """One final bar, as far as the page draws it; None where the file says nothing."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    ticks: int | None = None
    sma: float | None = None
    lower: float | None = None
    upper: float | None = None
    is_anomaly: bool = False
    is_stale: bool = False
    origin: str | None = None


@dataclass(frozen=True)
class CoinRow:
    """One line of the list."""

    market: Market
    last: float
    #: The last close against the first open of the list's span, percent; None where that open is zero.
    change_pct: float | None
    #: The last close of each part of the span; None where a part has no bar.
    course: tuple[float | None, ...]
    #: When its last bar began.
    last_start_ms: int
    is_stale: bool = False


@dataclass(frozen=True)
class Overview:
    """The whole list."""

    #: Whose bars the course and the change are of; None while there is no bar.
    interval: str | None = None
    span: Span = NO_TIME
    rows: tuple[CoinRow, ...] = ()


@dataclass(frozen=True)
class Series:
    """The bars of one coin in one interval, the oldest first."""

    market: Market
    interval: str
    interval_ms: int
    bars: tuple[Bar, ...] = ()
    #: Windows that closed without a tick.
    gaps: tuple[int, ...] = ()

    @property
    def change_pct(self) -> float | None:
        """The last close against the first open, percent."""
        return change_pct(self.bars[0].open, self.bars[-1].close) if self.bars else None


def change_pct(first: float, last: float) -> float | None:
    """Compare a price with an earlier one, in percent; None where that was zero."""
    return (last - first) / first * 100 if first else None


def make_row(
    market: Market,
    starts: Sequence[int],
    opens: Sequence[float],
    closes: Sequence[float],
    span: Span,
    *,
    interval_ms: int,
    is_stale: bool = False,
) -> CoinRow:
    """Sum up one coin's bars of a span.

    Args:
        market: whose they are.
        starts: the starts of their windows, rising, at least one.
        opens: their opens.
        closes: their closes.
        span: what the list shows.
        interval_ms: the length of a window; no part of the course is shorter.
        is_stale: whether the last of them says that the coin is.
    """
    length = max(1, span.end_ms - span.start_ms)
    parts = min(SPARK_PARTS, -(-length // interval_ms))
    course: list[float | None] = [None] * parts
    for start, close in zip(starts, closes, strict=True):
        part = (start - span.start_ms) * parts // length
        if 0 <= part < parts and math.isfinite(close):
            course[part] = close
    change = change_pct(opens[0], closes[-1])
    return CoinRow(market, closes[-1], change, tuple(course), starts[-1], is_stale)


def find_gaps(bars: Sequence[Bar], told: Sequence[int], interval_ms: int) -> tuple[int, ...]:
    """Name the windows without a tick: those between two bars, and those that the files name.

    Args:
        bars: one coin's, the oldest first.
        told: the starts of the windows that have a row which says so.
        interval_ms: the length of a window.
    """
    found = set(told)
    for before, after in pairwise(bars):
        if before.origin != _HISTORY:
            found.update(range(before.start_ms + interval_ms, after.start_ms, interval_ms))
    return tuple(sorted(found - {bar.start_ms for bar in bars}))


def visible_range(bars: Sequence[Bar], span: Span) -> tuple[float, float] | None:
    """Say from which price to which the bars of a span go, bands included, with a little room; None without bars."""
    shown = [bar for bar in bars if span.start_ms <= bar.start_ms <= span.end_ms]
    prices = [
        price
        for bar in shown
        for price in (bar.low, bar.high, bar.lower, bar.upper)
        if price is not None and math.isfinite(price)
    ]
    if not prices:
        return None
    low, high = min(prices), max(prices)
    room = (high - low) * 0.06 or abs(high) * 0.001 or 1.0
    return low - room, high + room
