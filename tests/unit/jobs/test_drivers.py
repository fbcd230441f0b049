"""When a second driver may write, by what the settings and the status file say."""

import json
import threading
from pathlib import Path

import pytest

from jobs.checkpoint import open_checkpoint
from jobs.drivers import StreamStatus, keep_alone, read_stream_status, refuse_beside_stream
from jobs.lease import hold_checkpoint
from jobs.status import Status
from pricestream.errors import StorageError
from pricestream.settings import Settings


def settings(tmp_path: Path, root: str, commit_table: str | None = None) -> Settings:
    job = {
        "ticks": f"{root}/ticks",
        "bars": f"{root}/bars",
        "status_file": f"{tmp_path}/status.json",
        "checkpoint": f"{tmp_path}/checkpoint",
    }
    return Settings.model_validate({"job": job | {"s3": {"commit_table": commit_table}}})


def says(tmp_path: Path, state: str, watermark_ms: int | None = None) -> None:
    (tmp_path / "status.json").write_bytes(Status(state=state, watermark_ms=watermark_ms).to_json())


@pytest.mark.parametrize("state", ["starting", "running", "stopping"])
@pytest.mark.parametrize("root", ["s3://lake", "s3a://lake/prices"])
def test_on_s3_nobody_writes_beside_the_stream(tmp_path: Path, state: str, root: str) -> None:
    says(tmp_path, state)
    with pytest.raises(StorageError) as error:
        refuse_beside_stream(settings(tmp_path, root), alone=False)
    text = str(error.value)
    assert text.startswith(f"{root}/ticks: the stream runs ({tmp_path}/status.json says so)")
    assert text.endswith("set job.s3.commit_table, stop the stream, or say --alone if it does not run")
    assert "\n" not in text


def test_one_table_on_s3_is_enough(tmp_path: Path) -> None:
    says(tmp_path, "running")
    apart = settings(tmp_path, "s3://lake")
    apart = apart.model_copy(update={"job": apart.job.model_copy(update={"ticks": str(tmp_path / "ticks")})})
    with pytest.raises(StorageError, match=r"^s3://lake/bars: the stream runs"):
        refuse_beside_stream(apart, alone=False)


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_stream_that_has_ended_is_in_nobodys_way(tmp_path: Path, state: str) -> None:
    says(tmp_path, state)
    refuse_beside_stream(settings(tmp_path, "s3://lake"), alone=False)


def test_a_stream_that_was_killed_is_told_by_the_lock_that_went_with_it(tmp_path: Path) -> None:
    says(tmp_path, "running")
    there = settings(tmp_path, "s3://lake")
    with keep_alone(settings(tmp_path, "s3://lake"), alone=True):
        assert read_stream_status(there).is_running
    assert not read_stream_status(there).is_running
    refuse_beside_stream(there, alone=False)


def test_the_stream_is_kept_out_while_another_driver_writes_on_s3(tmp_path: Path) -> None:
    there = settings(tmp_path, "s3://lake")
    refusal = pytest.raises(StorageError, match=r"job.checkpoint .*: another job \(process [0-9]+\) is using it")
    with keep_alone(there, alone=False), refusal, hold_checkpoint(open_checkpoint(there), threading.Event()):
        pass
    for apart in (settings(tmp_path, str(tmp_path)), settings(tmp_path, "s3://lake", commit_table="pricestream")):
        with keep_alone(apart, alone=False), hold_checkpoint(open_checkpoint(apart), threading.Event()):
            pass


def test_a_stream_that_never_ran_is_in_nobodys_way(tmp_path: Path) -> None:
    refuse_beside_stream(settings(tmp_path, "s3://lake"), alone=False)


def test_they_may_all_write_on_a_disk_and_where_they_take_turns(tmp_path: Path) -> None:
    says(tmp_path, "running")
    refuse_beside_stream(settings(tmp_path, str(tmp_path)), alone=False)
    refuse_beside_stream(settings(tmp_path, f"file:{tmp_path}"), alone=False)
    refuse_beside_stream(settings(tmp_path, "s3://lake", commit_table="pricestream"), alone=False)


def test_whoever_says_that_it_does_not_run_is_believed(tmp_path: Path) -> None:
    says(tmp_path, "running")
    refuse_beside_stream(settings(tmp_path, "s3://lake"), alone=True)


def test_the_status_is_read(tmp_path: Path) -> None:
    there = settings(tmp_path, str(tmp_path))
    assert read_stream_status(there) == StreamStatus(is_running=False, watermark_ms=None)
    says(tmp_path, "running", 1_767_603_600_000)
    assert read_stream_status(there) == StreamStatus(is_running=True, watermark_ms=1_767_603_600_000)


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"state": "running", "bars": None})])
def test_a_damaged_status_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    with pytest.raises(StorageError, match=r"status.json: is damaged; remove it"):
        refuse_beside_stream(settings(tmp_path, "s3://lake"), alone=False)
