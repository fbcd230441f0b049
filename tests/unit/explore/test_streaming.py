"""What is read of the job's and the producer's own words; the job itself is in tests/notebooks."""

import json
from pathlib import Path
from typing import Any

import pytest

from explore.place import Place, own_place
from explore.streaming import StreamingJob, look

#: 2026-01-05 10:00:00 UTC.
TEN = 1_767_607_200_000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return own_place(tmp_path)


def write(place: Place, *, job: dict[str, Any] | None = None, producer: dict[str, Any] | None = None) -> None:
    for path, document in ((place.settings.job.status_file, job), (producer_file(place), producer)):
        if document is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(json.dumps(document))


def producer_file(place: Place) -> Path:
    return Path(place.settings.producer.state_dir) / "summary.json"


def job_at(watermark_ms: int, rows: int, *, settled: bool = True) -> dict[str, Any]:
    return {
        "state": "running",
        "ticks": {"rows": rows, "ok": rows - 1, "late": 1, "rejected": 0, "heartbeat": 0},
        "bars": {"rows": 5, "watermark_ms": watermark_ms},
        "csv": {"files": 2},
        "settled": settled,
    }


def test_before_anything_has_started_there_is_nothing(place: Place) -> None:
    progress = look(place)
    assert (progress.state, progress.rows, progress.seconds_behind) == (
        "not started",
        0,
        None,
    )
    assert not progress.is_complete


def test_the_lag_is_what_the_watermark_lacks_of_where_it_would_be(place: Place) -> None:
    # The watermark trails the newest record by 240 s (120 of lateness and 120 of clock skew) when all is read.
    write(place, job=job_at(TEN - 300_000, 90), producer={"seq": 100, "last_heartbeat_ms": TEN, "finished": True})
    progress = look(place)
    assert (progress.records_behind, progress.seconds_behind) == (10, 60)
    assert "lag 60 s" in repr(progress)
    assert not progress.is_complete


def test_a_job_has_caught_up_once_all_is_read_closed_and_published_and_no_more_comes(place: Place) -> None:
    job = StreamingJob(place)
    producer = {"seq": 100, "last_heartbeat_ms": TEN, "finished": False}
    write(place, job=job_at(TEN - 240_000, 100), producer=producer)
    assert not job.has_caught_up()
    write(place, producer=producer | {"finished": True})
    assert job.has_caught_up()
    write(place, job=job_at(TEN - 240_000, 100, settled=False))
    assert not job.has_caught_up()


def test_a_market_that_was_stopped_within_a_minute_leaves_nothing_behind(place: Place) -> None:
    # The watermark goes from minute to minute.
    producer = {"seq": 100, "last_heartbeat_ms": TEN + 37_000, "finished": True}
    write(place, job=job_at(TEN - 240_000, 100), producer=producer)
    assert look(place).seconds_behind == 0
    assert StreamingJob(place).has_caught_up()


def test_without_a_producer_on_this_machine_the_lag_goes_by_the_clock(place: Place) -> None:
    write(place, job=job_at(TEN, 100))
    progress = look(place)
    assert progress.records_behind is None
    assert progress.seconds_behind is not None
    assert progress.seconds_behind > 86_400


def test_a_damaged_status_is_as_none(place: Place) -> None:
    Path(place.settings.job.status_file).write_text("{")
    assert look(place).state == "not started"


def test_a_job_that_runs_elsewhere_is_not_stopped(place: Place) -> None:
    write(place, job=job_at(TEN, 100))
    job = StreamingJob(place)
    assert not job.is_own
    assert job.stop().state == "running"
