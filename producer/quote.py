"""What a poll brings: quotes, which become ticks once they are numbered."""

from dataclasses import dataclass, field

from coingecko.budget import CallsLeft
from pricestream import tick


@dataclass(frozen=True, slots=True)
class Quote:
    """A price before it has a sequence number. Times are epoch milliseconds UTC.

    Attributes:
        coin_id: CoinGecko id.
        vs_currency: CoinGecko currency.
        price: quote in ``vs_currency``, above 0.
        event_time: when the source last updated it.
        polled_at: when it was read, by the source's clock.
        market_cap: in ``vs_currency``.
        volume_24h: in ``vs_currency``.
        change_24h_pct: percent.
        event_seq: the source's own order of its events.
    """

    coin_id: str
    vs_currency: str
    price: float
    event_time: int
    polled_at: int
    market_cap: float | None = None
    volume_24h: float | None = None
    change_24h_pct: float | None = None
    event_seq: int | None = None

    def numbered(self, *, producer_id: str, seq: int, source: tick.Source) -> tick.Tick:
        """Make the tick that goes on the stream."""
        return tick.Tick(
            coin_id=self.coin_id,
            vs_currency=self.vs_currency,
            price=self.price,
            event_time=self.event_time,
            polled_at=self.polled_at,
            producer_id=producer_id,
            seq=seq,
            source=source,
            market_cap=self.market_cap,
            volume_24h=self.volume_24h,
            change_24h_pct=self.change_24h_pct,
            event_seq=self.event_seq,
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """One reading of the source.

    Attributes:
        clock_ms: the source's clock when the reading was done; the heartbeat carries it.
        quotes: in the order in which they are to be sent.
        warnings: what a person should know, one line each; the run goes on.
        coins: how many coins were read, those whose price has not changed included.
        calls: how many API calls it took, failed ones included.
        calls_left: what the budget still allows; None where there is none.
        refusals: how many of the calls were answered with 429.
    """

    clock_ms: int
    quotes: list[Quote] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    coins: int = 0
    calls: int = 0
    calls_left: CallsLeft | None = None
    refusals: int = 0


def closing_ms(last_event_ms: int, *, interval_seconds: int, watermark_seconds: int) -> int:
    """Give the clock (epoch ms) at which the bar that holds the last event is closed for good."""
    interval_ms = interval_seconds * 1000
    window_end_ms = (last_event_ms // interval_ms + 1) * interval_ms
    return window_end_ms + watermark_seconds * 1000
