"""Moves ticks from the spool to the stream, and tries again later when the stream is out of reach."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final, Protocol

from coingecko.backoff import backoff
from coingecko.clock import Clock
from producer.sink import MAX_RECORDS, Outcome
from producer.spool import Record, Spool

_LONGEST_PAUSE_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where ticks go."""

    def prepare(self, *, create: bool) -> str:
        """Make ready; give what stands in the way for now, or nothing."""

    def put(self, records: list[Record], stop: Event) -> Outcome:
        """Send in order; give back what could not be sent for now."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many ticks one round sent, and how many it tried in vain."""

    sent: int = 0
    failed: int = 0


class Sender:
    """Sends the spool's ticks in order and acknowledges them once they are on the stream."""

    def __init__(
        self, spool: Spool, sink: Sink, clock: Clock, stop: Event, rng: random.Random, *, create_stream: bool = False
    ) -> None:
        """Send from ``spool`` to ``sink``; ``clock`` is the real one, for the pauses after a failure."""
        self._spool = spool
        self._sink = sink
        self._clock = clock
        self._stop = stop
        self._rng = rng
        self._create_stream = create_stream
        self._ready = False
        self._remaining: list[Record] = []
        self._batch_end = 0
        self._failures = 0
        self._retry_at_ms = 0

    def send(self, minimum: int = 1) -> Sent:
        """Send while at least ``minimum`` ticks wait; nothing in the pause after a failure or once ``stop`` is set.

        Raises:
            StreamError: the stream is missing or denied.
            StorageError: the spool is damaged.
        """
        if self._pause_ms() > 0:
            return Sent()
        return self._round(minimum, self._stop, self._stop.is_set)

    def prepare(self) -> None:
        """See that the stream is there, so that a wrong name or a missing right shows at the start.

        Raises:
            StreamError: the stream is missing or denied.
        """
        reason = self._sink.prepare(create=self._create_stream)
        if reason:
            self._postpone(0, reason)
        self._ready = not reason

    def flush(self, seconds: float = 10.0) -> int:
        """Send what can be sent within ``seconds``, also after ``stop`` was set; give how many were sent.

        Raises:
            StreamError: the stream is missing or denied.
            StorageError: the spool is damaged.
        """
        never = Event()
        begin_ms = self._clock.now_ms()

        def is_over() -> bool:
            # A clock that is set back must not make the time longer.
            return not begin_ms <= self._clock.now_ms() < begin_ms + seconds * 1000

        total = 0
        while self._spool.pending and not is_over():
            total += self._round(1, never, is_over).sent
            if self._spool.pending and not is_over():
                self._clock.sleep(1.0, never)
        return total

    def wait(self) -> None:
        """Let the pause after a failure pass, if there is one."""
        self._clock.sleep(self._pause_ms() / 1000, self._stop)

    def _pause_ms(self) -> int:
        """Tell what is left of the pause after a failure."""
        now_ms = self._clock.now_ms()
        # A clock that was set back must not make the pause longer.
        self._retry_at_ms = min(self._retry_at_ms, now_ms + round(_LONGEST_PAUSE_SECONDS * 1000))
        return max(0, self._retry_at_ms - now_ms)

    def _round(self, minimum: int, stop: Event, is_over: Callable[[], bool]) -> Sent:
        """Send call by call; a long spool takes minutes, so each call asks whether there is time for it."""
        sent = 0
        while not is_over() and self._spool.pending and (self._remaining or self._spool.pending >= minimum):
            if not self._ready:
                reason = self._sink.prepare(create=self._create_stream)
                if reason:
                    return self._postpone(sent, reason)
                self._ready = True
            if not self._remaining:
                # Nothing goes out that a power cut could take back: its number would be used twice.
                self._spool.sync()
                self._remaining = self._spool.peek(MAX_RECORDS)
                self._batch_end = self._remaining[-1].seq
            outcome = self._sink.put(self._remaining, stop)
            sent += len(self._remaining) - len(outcome.failed)
            # Kept over rounds, so that only what failed is sent again.
            self._remaining = outcome.failed
            if outcome.failed:
                return self._postpone(sent, outcome.reason)
            self._spool.ack(self._batch_end)
            self._recovered()
        return Sent(sent)

    def _postpone(self, sent: int, reason: str) -> Sent:
        self._failures += 1
        pause = backoff(self._failures, self._rng, base=0.5, cap=_LONGEST_PAUSE_SECONDS)
        self._retry_at_ms = self._clock.now_ms() + round(pause * 1000)
        if self._failures == 1:
            log.warning("sending fails for now (%s); ticks are kept on disk and sent later", reason)
        return Sent(sent, len(self._remaining) or min(self._spool.pending, MAX_RECORDS))

    def _recovered(self) -> None:
        if self._failures:
            log.warning("sending works again after %d failed attempts", self._failures)
        self._failures = 0
        self._retry_at_ms = 0
