"""What the streams are given, and what is made of Flink's files."""

import json
from pathlib import Path

import pytest

from benchmarks import streaming
from benchmarks.bar_tree import read_tree
from benchmarks.our_job import write_settings
from pricestream.config import load_settings
from pricestream.tick import HEARTBEAT_ID


def test_the_payloads_end_with_a_heartbeat_that_closes_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_LINES_A_FILE", 4_000)
    source, count, end_ms = streaming._write_payloads(tmp_path, 10_000)
    files = sorted(source.iterdir())
    assert [file.name for file in files] == ["0000.jsonl", "0001.jsonl", "0002.jsonl"]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == count + 1
    last = json.loads(lines[-1])
    assert last["coin_id"] == HEARTBEAT_ID
    times = [json.loads(line)["event_time"] for line in lines[:-1]]
    assert end_ms % 60_000 == 0
    assert end_ms - 60_000 <= max(times) < end_ms
    # By more than the watermark trails with the settings that the job is run with.
    config = write_settings(tmp_path / "ours", job={"trigger_seconds": 0})
    assert last["event_time"] - end_ms > load_settings(config, ()).job.watermark_seconds * 1000


def test_flinks_files_are_read_once_they_have_a_header(tmp_path: Path) -> None:
    folder = tmp_path / "interval=1m" / "date=2026-01-05" / "hour=09"
    folder.mkdir(parents=True)
    bar = "bitcoin,usd,2026-01-05T09:00:00Z,2026-01-05T09:01:00Z,1.5,2.5,0.5,2.0,1.6,0.8,4,"
    ends = "2026-01-05T09:00:01.000Z,2026-01-05T09:00:55.250Z"
    (folder / "part-1-0").write_text(f"{bar}{ends}\n", encoding="utf-8")
    streaming._give_headers(tmp_path)
    [row] = read_tree(tmp_path).frame.to_dict("records")
    assert (row["open"], row["high"], row["low"], row["close"]) == (1.5, 2.5, 0.5, 2.0)
    assert (row["mean"], row["stddev"], row["tick_count"]) == (1.6, 0.8, 4)
    assert row["last_tick_at"].isoformat() == "2026-01-05T09:00:55.250000+00:00"


def test_for_flink_the_files_are_one_in_the_order_of_their_names(tmp_path: Path) -> None:
    payloads = tmp_path / "payloads"
    payloads.mkdir()
    for name, text in (("0001.jsonl", "c\n"), ("0000.jsonl", "a\nb\n")):
        (payloads / name).write_text(text)
    whole = streaming._as_one(payloads)
    assert whole.read_text() == "a\nb\nc\n"
    assert whole not in payloads.rglob("*"), "our own contender would read it too"
