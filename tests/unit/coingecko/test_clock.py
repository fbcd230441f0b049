import time
from threading import Event

from coingecko.clock import RealClock, VirtualClock


class _Waits(Event):
    """An event that notes how long it was waited for, and is never set."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False


def test_an_instant_clock_moves_by_sleeping_only() -> None:
    clock, stop = VirtualClock(1_000), _Waits()
    assert clock.instant
    clock.sleep(2.5, stop)
    clock.sleep(0.0004, stop)
    assert clock.now_ms() == 3_500
    assert stop.waits == []


def test_a_paced_clock_makes_up_for_the_time_that_work_took() -> None:
    real = [100.0]
    clock, stop = VirtualClock(0, speed=60, monotonic=lambda: real[0]), _Waits()
    clock.sleep(60, stop)
    real[0] = 101.5  # one second slept, half a second worked
    clock.sleep(60, stop)
    real[0] = 110.0  # far behind: no wait at all
    clock.sleep(60, stop)
    assert stop.waits == [1.0, 0.5, 0.0]
    assert clock.now_ms() == 180_000


def test_a_paced_clock_stands_still_when_it_is_told_to_stop() -> None:
    stop = Event()
    stop.set()
    clock = VirtualClock(5, speed=1)
    clock.sleep(3_600, stop)
    assert clock.now_ms() == 5


def test_the_real_clock_tells_epoch_milliseconds_and_wakes_at_once() -> None:
    stop = Event()
    stop.set()
    clock = RealClock()
    before = time.time() * 1000
    clock.sleep(3_600, stop)
    assert before - 1 <= clock.now_ms() < before + 5_000
    assert not clock.instant
