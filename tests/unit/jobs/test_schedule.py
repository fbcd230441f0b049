"""When the work is begun, and that nothing it does reaches the stream."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.schedule import Mark, Schedule
from jobs.storage import DiskStore
from pricestream.errors import StorageError

DAY = 86_400.0
T0 = 1_767_614_400.0  # 2026-01-05T12:00:00Z


class Clock:
    def __init__(self, now: float = T0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path)


def begun(store: DiskStore) -> float:
    return float(json.loads(store.read("tidied.json") or b"{}")["begun_s"])


def schedule(store: DiskStore, clock: Clock, work: Callable[[Callable[[], bool]], object]) -> Schedule:
    return Schedule("tidying", work, DAY, Mark(store, "tidied.json"), clock)


def wait_for_end(each: Schedule) -> None:
    assert each._thread is not None
    each._thread.join(10)
    assert not each.is_under_way


def run_a_day_later(each: Schedule, clock: Clock) -> None:
    """Look now and in a day, and wait until what is begun then is done."""
    each.look()
    clock.now += DAY
    each.look()
    wait_for_end(each)


def test_it_is_begun_once_it_is_due_and_then_again(store: DiskStore) -> None:
    clock, runs = Clock(), list[float]()
    each = schedule(store, clock, lambda _: runs.append(clock.now))
    each.look()
    clock.now = T0 + DAY - 1
    each.look()
    assert not each.is_under_way
    assert runs == []
    assert begun(store) == T0
    for at in (T0 + DAY, T0 + 2.5 * DAY):
        clock.now = at
        each.look()
        wait_for_end(each)
        each.look()
        assert begun(store) == at
    assert runs == [T0 + DAY, T0 + 2.5 * DAY]


def test_a_restart_neither_repeats_it_nor_puts_it_off(store: DiskStore) -> None:
    clock, runs = Clock(), list[float]()
    for hours in range(0, 72, 6):
        # A job that is started anew every six hours.
        clock.now = T0 + hours * 3_600
        each = schedule(store, clock, lambda _: runs.append(clock.now))
        each.look()
        each.stop()
    assert runs == [T0 + DAY, T0 + 2 * DAY]


def test_what_is_under_way_is_not_begun_twice(store: DiskStore) -> None:
    clock, may_end, runs = Clock(), threading.Event(), list[float]()

    def work(_: Callable[[], bool]) -> None:
        runs.append(clock.now)
        may_end.wait(10)

    each = schedule(store, clock, work)
    each.look()
    clock.now += DAY
    each.look()
    clock.now += 2 * DAY
    each.look()
    assert each.is_under_way
    may_end.set()
    wait_for_end(each)
    assert runs == [T0 + DAY]


def test_a_failure_is_a_warning_and_waits_for_its_next_turn(store: DiskStore, caplog: pytest.LogCaptureFixture) -> None:
    clock, runs = Clock(), list[float]()

    def work(_: Callable[[], bool]) -> None:
        runs.append(clock.now)
        raise StorageError("s3://lake/ticks: denied")

    each = schedule(store, clock, work)
    run_a_day_later(each, clock)
    each.look()
    assert runs == [T0 + DAY]
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "tidying failed, and is tried again next time: s3://lake/ticks: denied"
    clock.now += DAY
    each.look()
    wait_for_end(each)
    assert runs == [T0 + DAY, T0 + 2 * DAY]


def test_a_stop_lets_the_work_end_between_two_steps(store: DiskStore) -> None:
    clock, is_begun, steps = Clock(), threading.Event(), list[bool]()

    def work(is_stopping: Callable[[], bool]) -> None:
        is_begun.set()
        while not is_stopping():
            steps.append(True)

    each = schedule(store, clock, work)
    each.look()
    clock.now += DAY
    each.look()
    assert is_begun.wait(10)
    each.stop()
    assert not each.is_under_way
    clock.now += DAY
    each.look()
    assert not each.is_under_way


def test_a_stop_does_not_wait_for_ever(store: DiskStore, caplog: pytest.LogCaptureFixture) -> None:
    clock, may_end = Clock(), threading.Event()

    def work(_: Callable[[], bool]) -> None:
        may_end.wait(10)
        raise RuntimeError("the session is gone")

    each = schedule(store, clock, work)
    each.look()
    clock.now += DAY
    with caplog.at_level(logging.INFO):
        each.look()
        each.stop(patience_seconds=0.01)
        may_end.set()
        wait_for_end(each)
    assert [record.getMessage() for record in caplog.records] == [
        "tidying is broken off; the next run takes it up again"
    ]


def test_a_stop_without_work_is_nothing(store: DiskStore) -> None:
    schedule(store, Clock(), lambda _: None).stop()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"begun_s": "yesterday"}', b"[1]"])
def test_a_damaged_mark_counts_from_now(store: DiskStore, content: bytes) -> None:
    store.write("tidied.json", content)
    runs = list[float]()
    schedule(store, Clock(), lambda _: runs.append(1)).look()
    assert runs == []
    assert begun(store) == T0


def test_a_clock_that_was_set_back_puts_nothing_off(store: DiskStore) -> None:
    Mark(store, "tidied.json").write(T0 + 100 * DAY)
    clock, runs = Clock(), list[float]()
    each = schedule(store, clock, lambda _: runs.append(clock.now))
    run_a_day_later(each, clock)
    assert runs == [T0 + DAY]


def test_a_mark_that_can_not_be_kept_is_a_warning(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(*_: object) -> None:
        raise StorageError("denied")

    monkeypatch.setattr(DiskStore, "read", denied)
    monkeypatch.setattr(DiskStore, "write", denied)
    clock, runs = Clock(), list[float]()
    each = schedule(store, clock, lambda _: runs.append(clock.now))
    run_a_day_later(each, clock)
    assert runs == [T0 + DAY]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert len(caplog.records) == 3
