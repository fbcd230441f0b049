"""History, fetched chunk after chunk within the budget; what is fetched once is kept."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final, Protocol

from coingecko.budget import CallBudget
from coingecko.chart import Chart, parse_chart
from coingecko.chunk import Chunk
from coingecko.clock import Clock
from coingecko.http import ApiClient, Unavailable, UnknownCoinError
from pricestream.errors import PricestreamError

#: A wait for the API that ends later is not sat out; a person may have better to do.
_LONGEST_WAIT_MS: Final = 3_600_000

log = logging.getLogger(__name__)


class IncompleteError(PricestreamError):
    """Not everything could be fetched for now; what was is kept, and the same command goes on from there."""


class Store(Protocol):
    """Where the chunks' files are kept."""

    def exists(self, key: str) -> bool:
        """Tell whether a file is there."""

    def write(self, key: str, data: bytes) -> None:
        """Put a file in place, whole, or leave what is there."""


@dataclass(slots=True)
class Tally:
    """How far a fetch has come.

    Attributes:
        total: chunks to fetch.
        fetched: chunks that are fetched and kept.
        passed_over: chunks of coins that CoinGecko does not know.
        empty: chunks that were fetched and hold no point.
        points: points in those that were fetched.
        left_out: entries of the answers that could not be used.
        unknown: the coins that CoinGecko does not know.
    """

    total: int
    fetched: int = 0
    passed_over: int = 0
    empty: int = 0
    points: int = 0
    left_out: int = 0
    unknown: set[str] = field(default_factory=set)

    @property
    def done(self) -> int:
        """How many chunks need no more asking."""
        return self.fetched + self.passed_over

    def count(self, chart: Chart) -> None:
        """Take in a chunk that was fetched."""
        self.fetched += 1
        self.empty += not chart.points
        self.points += len(chart.points)
        self.left_out += chart.left_out


class History:
    """Fetches chunks, one call each, and keeps each before it asks for the next."""

    def __init__(self, client: ApiClient, budget: CallBudget, store: Store, clock: Clock, stop: Event) -> None:
        """Ask through ``client``, whose own ``budget`` and ``stop`` these are; ``clock`` is what it goes by."""
        self._client = client
        self._budget = budget
        self._store = store
        self._clock = clock
        self._stop = stop

    def fetch(self, missing: Sequence[Chunk], on_step: Callable[[Tally], None]) -> Tally:
        """Fetch chunks in their order; ``on_step`` is told after each.

        A wait for the minute's budget or for the server is sat out. A coin that CoinGecko does not
        know is a warning.

        Raises:
            IncompleteError: the month's budget is used up, the API cannot be asked for now, or ``stop`` is set.
            SourceError: the API refuses for good: a bad key, an unknown currency.
            StorageError: a file or the count of calls cannot be written.
        """
        tally = Tally(len(missing))
        for chunk in missing:
            if chunk.coin_id in tally.unknown:
                tally.passed_over += 1
                on_step(tally)
                continue
            try:
                chart = self._ask(chunk)
            except UnknownCoinError:
                log.warning("CoinGecko does not know the coin %s; the others go on", chunk.coin_id)
                tally.unknown.add(chunk.coin_id)
                tally.passed_over += 1
            except Unavailable as trouble:
                raise IncompleteError(
                    f"{trouble}; {tally.fetched} of {tally.total} chunks are fetched, and the same command "
                    "fetches the rest"
                ) from None
            else:
                self._store.write(chunk.key, chart.to_json_lines())
                tally.count(chart)
            on_step(tally)
        return tally

    def _ask(self, chunk: Chunk) -> Chart:
        now_ms = self._clock.now_ms()
        if self._stop.is_set():
            raise Unavailable("it is told to stop")
        wait = self._budget.wait(now_ms)
        # However soon the month ends: a wait for it belongs to whoever started this.
        if wait and self._budget.left(now_ms).month == 0:
            raise Unavailable(wait.reason)
        body = self._client.get(
            f"/coins/{chunk.coin_id}/market_chart/range",
            {
                "vs_currency": chunk.vs_currency,
                "from": str(chunk.start_s),
                "to": str(chunk.end_s),
                "precision": "full",
            },
            deadline_ms=now_ms + _LONGEST_WAIT_MS,
        )
        try:
            return parse_chart(body, chunk)
        except ValueError as error:
            raise Unavailable(f"CoinGecko: {error}") from None
