"""A source that polls a made-up market through the real client, on the market's own clock."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

import requests

from coingecko.budget import CallBudget
from coingecko.clock import VirtualClock
from coingecko.http import ApiClient
from pricestream import tick
from pricestream.errors import SettingsError
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings
from producer.coingecko import CoinGeckoSource
from producer.market import Market
from producer.quote import Poll, closing_ms
from producer.server import MarketServer


class SimulatedSource:
    """Ends the polls of a made-up market at its time, and closes the last bar."""

    name: tick.Source = "simulated"

    def __init__(self, inner: CoinGeckoSource, clock: VirtualClock, end_ms: int | None, job: JobSettings) -> None:
        """Poll ``inner`` until ``end_ms`` (epoch ms), or without an end."""
        self.clock = clock
        self._inner = inner
        self._end_ms = end_ms
        self._job = job
        self._last_ms = clock.now_ms()
        self._closed = False

    def poll(self) -> Poll | None:
        """Read all prices; at the end one empty poll that closes the last bar, then None.

        Raises:
            SourceError: the market does not know a currency.
        """
        if self._closed:
            return None
        if self._end_ms is not None and self.clock.now_ms() >= self._end_ms:
            self._closed = True
            return Poll(self._closing_ms())
        poll = self._inner.poll()
        if poll is not None:
            self._last_ms = max([self._last_ms, *(quote.event_time for quote in poll.quotes)])
        return poll

    def _closing_ms(self) -> int:
        end = closing_ms(
            self._last_ms,
            interval_seconds=self._job.interval_seconds,
            watermark_seconds=self._job.watermark_seconds,
        )
        return max(end, self.clock.now_ms())


@contextmanager
def open_simulated(settings: Settings, stop: Event) -> Iterator[SimulatedSource]:
    """Start the market and its server, and stop it afterwards.

    Raises:
        SettingsError: the start is no time.
    """
    simulated = settings.producer.simulated
    start_ms = _start_ms(simulated.start)
    clock = VirtualClock(start_ms, simulated.speed)
    market = Market(simulated.seed, start_ms, simulated.refresh_seconds)
    budget = CallBudget(None, per_minute=None, per_month=None)
    with MarketServer(market, clock) as server, requests.Session() as session:
        # No proxy stands between a process and itself.
        session.trust_env = False
        rng = random.Random(simulated.seed)  # noqa: S311 - jitter only
        client = ApiClient(session, server.url, budget, clock, rng, stop)
        inner = CoinGeckoSource(client, budget, clock, settings.producer, "simulated")
        end_ms = None if simulated.hours is None else start_ms + round(simulated.hours * 3_600_000)
        yield SimulatedSource(inner, clock, end_ms, settings.job)


def _start_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"producer.simulated.start: {text!r} is not an ISO time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
