"""Clocks: the real one, and a market's own, which a replay and a simulation run on."""

import time
from collections.abc import Callable
from threading import Event
from typing import Protocol


class Clock(Protocol):
    """Tells the time and passes it."""

    @property
    def instant(self) -> bool:
        """Whether sleeping takes no real time at all."""

    def now_ms(self) -> int:
        """Give the time in epoch milliseconds UTC."""

    def sleep(self, seconds: float, stop: Event) -> None:
        """Let ``seconds`` of this clock pass, or less when ``stop`` is set meanwhile."""


class RealClock:
    """The machine's own clock."""

    @property
    def instant(self) -> bool:
        """Real time cannot be hurried."""
        return False

    def now_ms(self) -> int:
        """Give the time in epoch milliseconds UTC."""
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float, stop: Event) -> None:
        """Wait ``seconds``, or until ``stop`` is set."""
        stop.wait(max(0.0, seconds))


class VirtualClock:
    """A clock that moves by sleeping only, so that a run is the same whatever the machine's speed.

    With a speed above 0 a sleep also takes real time. It is measured from the clock's first moment,
    so the time that polling takes does not add up.
    """

    def __init__(self, start_ms: int, speed: float = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start at ``start_ms`` (epoch ms); ``speed`` is virtual seconds in a real one, 0 as fast as it goes."""
        self._start_ms = start_ms
        self._ms = start_ms
        self._speed = speed
        self._monotonic = monotonic
        self._real_start = monotonic()

    @property
    def instant(self) -> bool:
        """Whether sleeping takes no real time at all."""
        return self._speed == 0

    def now_ms(self) -> int:
        """Give the virtual time in epoch milliseconds UTC."""
        return self._ms

    def sleep(self, seconds: float, stop: Event) -> None:
        """Move on by ``seconds``, waiting the real time that ``speed`` asks for."""
        after = self._ms + max(0, round(seconds * 1000))
        if self._speed > 0:
            due = self._real_start + (after - self._start_ms) / 1000 / self._speed
            if stop.wait(max(0.0, due - self._monotonic())):
                return
        self._ms = after
