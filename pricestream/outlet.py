"""Outlet: a bounded queue and a thread in front of something slow, so that it never holds up whoever has news."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pricestream.aws_error import words_of

#: An event: its time, epoch ms, and its line.
Event = tuple[int, str]

#: Hours of readings; past that the oldest go.
_MAX_EVENTS: Final = 2_000
#: How often an error is said again.
_SAY_AGAIN_SECONDS: Final = 600
#: How long after a failure it is tried again.
_PAUSE_SECONDS: Final = 15

log = logging.getLogger(__name__)


class Outlet:
    """Hands events to ``write``, in order, from a thread of its own. What fails is tried again."""

    def __init__(
        self,
        write: Callable[[Sequence[Event]], None],
        what: str,
        *,
        max_events: int = _MAX_EVENTS,
        pause_seconds: float = _PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            write: writes events, or raises.
            what: names the place, for the log.
            max_events: how many may wait.
            pause_seconds: how long after a failure it is tried again.
            clock: seconds, for how often an error is said.
        """
        self._write = write
        self._what = what
        self._events: deque[Event] = deque()
        self._max_events = max_events
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._is_closing = False
        self._said_at: float | None = None
        #: How many were never written.
        self.dropped = 0
        self._thread = threading.Thread(target=self._work, name=f"metrics to {what}", daemon=True)
        self._thread.start()

    def offer(self, events: Sequence[Event]) -> None:
        """Take events in, at once; where too many wait the oldest go."""
        with self._changed:
            self._events.extend(events)
            surplus = len(self._events) - self._max_events
            for _ in range(surplus):
                self._events.popleft()
            if surplus > 0:
                if not self.dropped:
                    log.warning("metrics to %s: more wait than are kept; the oldest are dropped", self._what)
                self.dropped += surplus
            self._changed.notify_all()

    def close(self, patience_seconds: float = 5) -> None:
        """Write what waits, once more and no longer than that."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(patience_seconds)
        with self._changed:
            self.dropped += len(self._events)
            self._events.clear()
        if self.dropped:
            log.warning("metrics to %s: %d events were not written", self._what, self.dropped)

    def _work(self) -> None:
        while events := self._await():
            try:
                self._write(events)
            except Exception as error:  # noqa: BLE001 - whatever it is, the job goes on
                self._say(error)
                self._give_back(events)
                if self._is_closing:
                    return
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closing, self._pause_seconds)

    def _await(self) -> list[Event]:
        """Wait for events; none means that it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closing)
            events = list(self._events)
            self._events.clear()
            return events

    def _give_back(self, events: Sequence[Event]) -> None:
        with self._changed:
            self._events.extendleft(reversed(events))
        self.offer(())

    def _say(self, error: Exception) -> None:
        now = self._clock()
        if self._said_at is None or now - self._said_at >= _SAY_AGAIN_SECONDS:
            self._said_at = now
            log.warning("metrics to %s are not written for now: %s", self._what, words_of(error))
