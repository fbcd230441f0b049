"""A source that plays a recording on the clock of its own times."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from threading import Event as StopEvent

from coingecko.clock import VirtualClock
from pricestream import tick
from pricestream.errors import SourceError
from pricestream.settings import Settings
from producer.quote import Poll, Quote, closing_ms
from producer.recording import Event, read_recording


class ReplaySource:
    """Gives the rows of a recording as their time comes, and closes the last bar at the end.

    Every row is sent, whether its price changed or not. The clock starts at the first row and never
    goes back: a row that is out of order is given with the poll at which it is met.
    """

    name: tick.Source = "replay"

    def __init__(self, settings: Settings, stop: StopEvent) -> None:
        """Open the recording.

        Raises:
            SourceError: there is none, or nothing in it.
        """
        path = settings.producer.replay.path
        if path is None:
            raise SourceError("producer.replay.path: name the recording to replay")
        self._events = read_recording(
            Path(path),
            coin_id=settings.producer.replay.coin_id,
            vs_currency=settings.producer.vs_currencies[0],
        )
        first = next(self._events, None)
        if first is None:
            raise SourceError(f"{path}: holds no rows")
        self.clock = VirtualClock(first.event_time, settings.producer.replay.speed)
        self._next: Event | None = first
        self._last_ms = first.event_time
        self._job = settings.job
        self._poll_ms = round(settings.producer.poll_seconds * 1000)
        self._stop = stop
        self._closed = False

    def poll(self) -> Poll | None:
        """Give the rows that are due by now; at the end one empty poll that closes the last bar, then None.

        Raises:
            SourceError: a row makes no sense.
        """
        if self._next is None:
            return self._close()
        self._skip_quiet_time(self._next)
        now = self.clock.now_ms()
        quotes = [
            Quote(event.coin_id, event.vs_currency, event.price, event.event_time, now, event_seq=event.event_seq)
            for event in self._due(now)
        ]
        return Poll(now, quotes, coins=len({quote.coin_id for quote in quotes}))

    def _due(self, now: int) -> Iterator[Event]:
        rest = chain([] if self._next is None else [self._next], self._events)
        for event in rest:
            if event.event_time > now:
                self._next = event
                return
            self._last_ms = max(self._last_ms, event.event_time)
            yield event
        self._next = None

    def _skip_quiet_time(self, following: Event) -> None:
        """Jump to the poll before the next event where nothing happens for longer than bars stay open."""
        gap = following.event_time - self.clock.now_ms()
        if self.clock.instant and gap > self._job.watermark_seconds * 1000:
            polls = (gap - 1) // self._poll_ms
            self.clock.sleep(polls * self._poll_ms / 1000, self._stop)

    def _close(self) -> Poll | None:
        if self._closed:
            return None
        self._closed = True
        end = closing_ms(
            self._last_ms,
            interval_seconds=self._job.interval_seconds,
            watermark_seconds=self._job.watermark_seconds,
        )
        return Poll(max(end, self.clock.now_ms()))
