import json
from pathlib import Path
from typing import Any

import pytest

from pricestream.job_settings import JobSettings
from pricestream.settings import Settings
from scripts.demo_app.options import Options, SourceName
from scripts.demo_app.patience import Patience
from scripts.demo_app.reports import JobReport, ProducerReport, is_complete, is_landed, read_job, read_producer
from scripts.demo_app.run import greeting

# A market whose last heartbeat is at 600 s; with a watermark of 240 s, which goes from minute to minute, all is closed
# once it stands at 360 s.
JOB = JobSettings(allowed_lateness_seconds=120)
DONE: dict[str, Any] = {"rows": 1081, "watermark_ms": 360_000, "settled": True}


def test_the_producers_summary_is_read(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    content = {"producer_id": "laptop", "seq": 9, "sent": 7, "ticks": 6, "first_event_ms": 1, "last_heartbeat_ms": 2}
    path.write_text(json.dumps(content))
    assert read_producer(path) == ProducerReport(seq=9, sent=7, ticks=6, first_event_ms=1, last_heartbeat_ms=2)


def test_the_jobs_status_is_read(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    content = {
        "state": "running",
        "ticks": {"rows": 10, "ok": 4, "late": 3, "rejected": 2, "heartbeat": 1},
        "bars": {"rows": 5, "watermark_ms": 123, "batch": 6, "rebuilt": 0},
        "csv": {"files": 8},
        "settled": True,
    }
    path.write_text(json.dumps(content))
    assert read_job(path) == JobReport(
        state="running",
        rows=10,
        counts={"ok": 4, "late": 3, "rejected": 2, "heartbeat": 1},
        bars=5,
        watermark_ms=123,
        csv_files=8,
        settled=True,
    )


def test_a_report_that_is_not_there_yet_is_all_zero(tmp_path: Path) -> None:
    assert read_producer(tmp_path / "summary.json").seq == 0
    job = read_job(tmp_path / "status.json")
    assert (job.state, job.rows, job.watermark_ms, job.settled) == ("starting", 0, None, False)


@pytest.mark.parametrize("last_heartbeat_ms", [600_000, 601_000, 659_999])
def test_a_demo_is_complete_when_the_last_window_is_closed_and_settled(last_heartbeat_ms: int) -> None:
    producer = ProducerReport(seq=1081, last_heartbeat_ms=last_heartbeat_ms)
    assert is_complete(producer, JobReport(**DONE), JOB)


@pytest.mark.parametrize(
    "short", [{"rows": 1080}, {"watermark_ms": 359_999}, {"watermark_ms": None}, {"settled": False}]
)
def test_a_demo_is_not_complete_while_anything_is_missing(short: dict[str, Any]) -> None:
    producer = ProducerReport(seq=1081, last_heartbeat_ms=600_000)
    assert not is_complete(producer, JobReport(**(DONE | short)), JOB)


def test_a_demo_is_not_complete_before_the_producer_has_said_anything() -> None:
    assert not is_complete(ProducerReport(), JobReport(**DONE), JOB)


def test_rows_from_an_earlier_run_do_not_hide_records_on_their_way() -> None:
    assert is_landed(ProducerReport(seq=5), JobReport(rows=5))
    assert not is_landed(ProducerReport(seq=6), JobReport(rows=5))


def test_patience_is_lost_when_nothing_has_moved_for_long() -> None:
    now = 0.0
    patience = Patience(10, lambda: now)
    answers = []
    for moment, news in [(1, "a"), (11, "a"), (12, "b"), (22, "b"), (22.5, "b"), (23, "c")]:
        now = moment
        answers.append(patience.is_lost(news))
    assert answers == [False, False, False, False, True, False]


def test_the_greeting_says_when_the_first_real_bar_is_final() -> None:
    settings = Settings.model_validate({"job": {"allowed_lateness_seconds": 300}})
    # 300 s of lateness, 2 minutes of clock skew, and the minute itself.
    said = greeting(Options(SourceName.COINGECKO), settings)
    assert "about 8 minutes" in said
    assert "every 90 s" in said
    assert said.endswith("Ctrl-C stops.")


def test_the_greeting_of_a_run_with_an_end_does_not_ask_for_ctrl_c() -> None:
    said = greeting(Options(SourceName.SIMULATED), Settings())
    assert "for 3 h" in said
    assert "Ctrl-C" not in said
