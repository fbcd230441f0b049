"""Up to when the audit may ask for bars, by what the checkpoint and the status file say."""

from pathlib import Path

import pytest

from jobs.checkpoint import open_checkpoint
from jobs.horizon import judged_through_s
from jobs.status import Status
from pricestream.settings import Settings

NOW_S = 1_767_603_600  # 2026-01-05T09:00:00Z


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    job = {"checkpoint": str(tmp_path / "checkpoint"), "status_file": str(tmp_path / "status.json")}
    return Settings.model_validate({"job": job})


def says(settings: Settings, state: str) -> None:
    Path(settings.job.status_file).write_bytes(Status(state=state).to_json())


def judged(settings: Settings, *, alone: bool = False) -> int | None:
    return judged_through_s(settings, now_s=NOW_S + 0.5, alone=alone)


def test_without_a_stream_all_is_judged_that_can_have_closed(settings: Settings) -> None:
    assert judged(settings) == NOW_S - settings.job.watermark_seconds


def test_a_stream_is_judged_up_to_where_it_closed_windows_running_or_not(settings: Settings) -> None:
    open_checkpoint(settings).mark_closed(NOW_S - 7_200)
    for state in ("running", "stopped"):
        says(settings, state)
        assert judged(settings) == NOW_S - 7_200


def test_a_stream_that_stopped_before_its_first_close_is_not_judged(settings: Settings) -> None:
    open_checkpoint(settings).store.write("bars/metadata", b"{}")
    says(settings, "stopped")
    assert judged(settings) is None


def test_whoever_says_that_it_does_not_run_is_believed(settings: Settings) -> None:
    says(settings, "running")
    assert judged(settings) is None
    assert judged(settings, alone=True) == NOW_S - settings.job.watermark_seconds
