"""Which micro-batches are repaired, and from where their input is read; the rebuilding itself is Spark's."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.checkpoint import Checkpoint
from jobs.storage import DiskStore
from jobs.stragglers import StragglerRepair
from pricestream.settings import Settings

NINE = "2026-01-05T09:00:00.000Z"
NINE_MS = 1_767_603_600_000


class Recorder(StragglerRepair):
    """Notes what would be rebuilt, and rebuilds nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[tuple[int, int, int | None]] = []

    def _repair(self, first: int, last: int, watermark: int | None) -> int:
        self.asked.append((first, last, watermark))
        return 1


class Source(StragglerRepair):
    """Notes where the input would be read from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.read: list[Any] = []

    def _ticks(self) -> Any:
        return "all"

    def _ticks_since(self, version: int) -> Any:
        return version

    def _touched(self, ticks: Any, watermark_ms: int) -> Any:
        self.read.append((ticks, watermark_ms))


def ran(number: int, dropped: int = 0) -> dict[str, Any]:
    operators = [{"numRowsDroppedByWatermark": dropped}]
    return {
        "batchId": number,
        "durationMs": {"addBatch": 1},
        "stateOperators": operators,
        "eventTime": {"watermark": NINE},
    }


def idle(number: int) -> dict[str, Any]:
    return {"batchId": number, "durationMs": {"triggerExecution": 1}, "stateOperators": [], "eventTime": {}}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(DiskStore(tmp_path), str(tmp_path))


def make(kind: type[Any], checkpoint: Checkpoint) -> Any:
    return kind(spark=None, settings=Settings(), checkpoint=checkpoint, sink=None)


def test_batches_that_dropped_nothing_are_passed(checkpoint: Checkpoint) -> None:
    repair = make(Recorder, checkpoint)
    repair.look_at([ran(0), ran(1), idle(2)])
    assert repair.asked == []
    assert checkpoint.checked_through() == 1


def test_batches_that_dropped_rows_are_repaired_in_one_go(checkpoint: Checkpoint) -> None:
    repair = make(Recorder, checkpoint)
    assert repair.look_at([ran(0), ran(1, dropped=3), ran(2), ran(3, dropped=1), ran(4)]) == 1
    assert repair.asked == [(1, 3, NINE_MS)]
    assert checkpoint.checked_through() == 4


def test_a_batch_is_looked_at_once(checkpoint: Checkpoint) -> None:
    repair = make(Recorder, checkpoint)
    repair.look_at([ran(0, dropped=1)])
    repair.look_at([ran(0, dropped=1), ran(1)])
    assert repair.asked == [(0, 0, NINE_MS)]


def test_batches_whose_reports_nobody_saw_are_suspects(checkpoint: Checkpoint) -> None:
    checkpoint.mark_checked(4)
    repair = make(Recorder, checkpoint)
    repair.look_at([idle(8)])
    assert repair.asked == [(5, 7, None)]
    assert checkpoint.checked_through() == 7


def test_a_repair_that_dies_is_not_taken_for_done(checkpoint: Checkpoint) -> None:
    repair = make(Recorder, checkpoint)
    repair._repair = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        repair.look_at([ran(0, dropped=1)])
    assert checkpoint.checked_through() == -1


def log_offset(checkpoint: Checkpoint, batch: int, *, version: int, watermark: int = NINE_MS) -> None:
    about = {"batchWatermarkMs": watermark}
    offset = {"reservoirVersion": version, "index": -1, "isStartingVersion": False}
    checkpoint.store.write(f"bars/offsets/{batch}", f"v1\n{json.dumps(about)}\n{json.dumps(offset)}".encode())


@pytest.fixture
def source(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("jobs.stragglers.rebuild", lambda *_, **__: 0)
    return make(Source, checkpoint)


def test_the_input_is_read_from_where_the_batch_before_ended(source: Any, checkpoint: Checkpoint) -> None:
    log_offset(checkpoint, 4, version=17)
    log_offset(checkpoint, 5, version=19)
    source._repair(5, 5, None)
    assert source.read == [(17, NINE_MS)]


def test_where_spark_has_purged_its_log_more_is_looked_at_and_not_less(source: Any) -> None:
    source._repair(5, 7, NINE_MS + 60_000)
    assert source.read == [("all", NINE_MS + 60_000)]


def test_before_there_is_a_watermark_nothing_was_dropped(source: Any, checkpoint: Checkpoint) -> None:
    log_offset(checkpoint, 0, version=1, watermark=0)
    source._repair(0, 0, None)
    assert source.read == []
