"""Report model: what the page shows, as plain values. All times are epoch milliseconds, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

#: What is collected is bounded by these two: at most 12,000 bars.
MAX_COINS: Final = 24
MAX_WINDOWS: Final = 500
#: Key of the counts, name, what it means.
TILES: Final = (
    ("rows", "Records", "read from the stream"),
    ("ok", "Accepted", "valid and in time"),
    ("late", "Late", "kept, not in bars"),
    ("rejected", "Rejected", "kept with a reason"),
    ("heartbeat", "Heartbeats", "close quiet windows"),
)


class Bar(NamedTuple):
    """One final bar, as far as the page draws it."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    tick_count: int


@dataclass(frozen=True)
class CoinBars:
    """The bars of one coin in one currency, oldest first, at least one. A window without a tick has none."""

    coin_id: str
    vs_currency: str
    bars: tuple[Bar, ...]
    #: It had no fresh price for much longer than is usual for it.
    is_stale: bool = False

    @property
    def last(self) -> float:
        """The newest close."""
        return self.bars[-1].close

    @property
    def high(self) -> float:
        """The highest price of all bars."""
        return max(bar.high for bar in self.bars)

    @property
    def low(self) -> float:
        """The lowest price of all bars."""
        return min(bar.low for bar in self.bars)

    @property
    def ticks(self) -> int:
        """The ticks of all bars."""
        return sum(bar.tick_count for bar in self.bars)

    @property
    def change_pct(self) -> float | None:
        """The newest close against the oldest open, in percent; None where that open is zero."""
        first = self.bars[0].open
        return (self.last - first) / first * 100 if first else None

    def empty_windows(self, interval_ms: int) -> int:
        """Count the windows without a tick between the oldest bar and the newest."""
        windows = (self.bars[-1].start_ms - self.bars[0].start_ms) // interval_ms + 1
        return windows - len(self.bars)


@dataclass(frozen=True)
class Report:
    """All that the page says."""

    #: ``coingecko``, ``simulated`` or ``replay``.
    source: str
    #: What is to be known of that source, such as the seed or the name of the file; may be empty.
    source_detail: str
    #: Name and length of the interval.
    interval: str
    interval_ms: int
    #: In the order to show them in; none before the first window has closed.
    coins: tuple[CoinBars, ...]
    #: How many records were read (``rows``), and what became of them (``ok``, ``late``, ``rejected``, ``heartbeat``).
    counts: Mapping[str, int]
    #: Names and values of the run's settings.
    settings: tuple[tuple[str, str], ...]
    #: What the tables hold and the page leaves out, a sentence each.
    omissions: tuple[str, ...]
    made_at_ms: int

    @property
    def start_ms(self) -> int:
        """Start of the oldest window shown. Only where there are coins."""
        return min(coin.bars[0].start_ms for coin in self.coins)

    @property
    def end_ms(self) -> int:
        """End of the newest window shown. Only where there are coins."""
        return max(coin.bars[-1].start_ms for coin in self.coins) + self.interval_ms
