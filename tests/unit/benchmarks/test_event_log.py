"""Micro-batches, read from what Spark notes of them, and summed by round."""

import json
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.event_log import event_log_conf, read_batches
from benchmarks.round import Round, Timings

PROGRESS = "org.apache.spark.sql.streaming.StreamingQueryListener$QueryProgressEvent"


def line(name: str, second: int, rows: int, **parts: int) -> str:
    progress = {
        "name": name,
        "timestamp": f"2026-01-05T09:00:{second:02d}.250Z",
        "sources": [{"numInputRows": rows}],
        "durationMs": parts,
    }
    return json.dumps({"Event": PROGRESS, "progress": progress})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [
        json.dumps({"Event": "SparkListenerJobStart", "Properties": {"x": PROGRESS, "durationMs": {"addBatch": 1}}}),
        line("ingest", 1, 1_000, addBatch=400, walCommit=50, triggerExecution=500),
        line("bars", 2, 1_000, addBatch=1_000, triggerExecution=1_250),
        # A trigger that found nothing, and the batch without rows in which windows close.
        line("ingest", 3, 0, latestOffset=5, triggerExecution=5),
        line("bars", 4, 0, addBatch=2_000, triggerExecution=2_250),
        line("bars", 8, 1, addBatch=100, triggerExecution=125),
    ]
    (tmp_path / "local-1").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / ".local-1.crc").write_bytes(b"\x00")
    return tmp_path


def at(second: float) -> int:
    # 2026-01-05T09:00:00Z
    return round((1_767_603_600 + second) * 1000)


def test_only_batches_that_ran_are_read(folder: Path) -> None:
    batches = read_batches(folder)
    assert [(each.query, each.began_ms, each.rows) for each in batches] == [
        ("ingest", at(1.25), 1_000),
        ("bars", at(2.25), 1_000),
        ("bars", at(4.25), 0),
        ("bars", at(8.25), 1),
    ]
    assert batches[0].parts == {"addBatch": 0.4, "walCommit": 0.05, "triggerExecution": 0.5}


def test_a_round_is_the_sum_of_the_batches_that_ended_in_it(folder: Path) -> None:
    timings = Timings()
    # The first trigger fired before its round, and the last one of it was done shortly before the next.
    rounds = [Round("ticks", at(1.5), at(7)), Round("nothing", at(7), at(12))]
    timings.add(rounds, read_batches(folder))
    assert timings.seconds["ticks", "ingest"] == [0.5]
    assert timings.seconds["ticks", "bars"] == [3.5]
    assert timings.seconds["ticks", "both"] == [4.0]
    assert timings.seconds["nothing", "ingest"] == [0.0]
    assert timings.seconds["nothing", "both"] == [0.125]
    assert timings.parts["ticks", "bars", "addBatch"] == [3.0]
    assert timings.parts["ticks", "ingest", "walCommit"] == [0.05]


def test_steps_are_summed_by_round_too() -> None:
    timings = Timings()
    steps = [
        {"step": "merge", "began_ms": at(1), "seconds": 0.5},
        {"step": "merge", "began_ms": at(2), "seconds": 0.25},
        {"step": "publish", "began_ms": at(7), "seconds": 1.0},
    ]
    timings.add_steps([Round("ticks", at(0), at(6))], steps)
    assert dict(timings.parts) == {("ticks", "step", "merge"): [0.75]}


def test_no_log_and_two_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds 0 event logs"):
        read_batches(tmp_path)
    for name in ("local-1", "local-2"):
        (tmp_path / name).touch()
    with pytest.raises(BenchmarkError, match="holds 2 event logs"):
        read_batches(tmp_path)


def test_the_log_goes_where_it_is_said(tmp_path: Path) -> None:
    assert event_log_conf(tmp_path) == {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{tmp_path}"}
