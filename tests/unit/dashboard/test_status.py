import json

import pytest

from dashboard.model import Market
from dashboard.status import OTHER_CLOCK_MS, SILENT_MS, JobStatus, read_status
from dashboard.tree import Said
from jobs.status import Status

NOW = 1_767_603_600_000


def said(document: object) -> Said:
    return Said(json.dumps(document).encode(), NOW)


def test_what_the_job_writes_is_read() -> None:
    status = Status(state="running", bars=50, watermark_ms=NOW - 60_000, batch=7, csv_files=6, stale=("a/usd", "b/eur"))
    status.count_ticks({"rows": 10, "ok": 6, "late": 2, "rejected": 1, "heartbeat": 1})
    read = read_status(Said(status.to_json(), NOW))
    assert read == JobStatus(
        state="running",
        counts={"rows": 10, "ok": 6, "late": 2, "rejected": 1, "heartbeat": 1},
        bars=50,
        files=6,
        batch=7,
        watermark_ms=NOW - 60_000,
        stale=(Market("a", "usd"), Market("b", "eur")),
        settled=False,
        written_ms=NOW,
    )


def test_a_job_that_has_only_started_has_no_batch() -> None:
    read = read_status(Said(Status().to_json(), NOW))
    assert read is not None
    assert (read.state, read.batch, read.watermark_ms) == ("starting", None, None)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_status_is_none(data: bytes) -> None:
    assert read_status(Said(data, NOW)) is None
    assert read_status(None) is None


@pytest.mark.parametrize(
    "document",
    [{}, {"state": 5, "ticks": [], "bars": "x", "csv": None}, {"state": "<b>", "ticks": {"ok": "many", "late": -1}},
     {"ticks": {"rejected": True, "rows": 0.5}},
     {"bars": {"stale": {"a": 1}}}, {"bars": {"stale": [1, None]}}],
)  # fmt: skip
def test_what_makes_no_sense_in_it_is_left_out(document: object) -> None:
    assert read_status(said(document)) == JobStatus(written_ms=NOW)


def test_a_job_is_silent_if_it_should_be_at_work_and_writes_nothing() -> None:
    running, stopped = (JobStatus(state=state, written_ms=NOW) for state in ("running", "stopped"))
    assert not running.is_silent(NOW + SILENT_MS)
    assert running.is_silent(NOW + SILENT_MS + 1)
    assert not stopped.is_silent(NOW + 10 * SILENT_MS)


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (90_000, 90_000),
        (-1000, 0),
        (OTHER_CLOCK_MS, OTHER_CLOCK_MS),
        (OTHER_CLOCK_MS + 1, None),
        (-SILENT_MS - 1, None),
    ],
)
def test_the_lag_is_by_our_clock_unless_the_data_has_another(behind: int, expected: int | None) -> None:
    assert JobStatus(watermark_ms=NOW - behind).lag_ms(NOW) == expected
