"""A program with queries, started and stopped; here it is a shell."""

import os
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.our_job import write_settings
from benchmarks.stream_job import StreamJob

RUNS = 'echo \'{"state": "running"}\' >status.json; while [ ! -e STOP ]; do sleep 0.02; done; '


def start(folder: Path, script: str) -> StreamJob:
    config = write_settings(folder, job={})
    command = ["sh", "-c", f"cd {folder}; {script}"]
    return StreamJob.start(command, config, folder / "log", dict(os.environ))


def test_it_is_waited_for_and_stopped(tmp_path: Path) -> None:
    with start(tmp_path, f"{RUNS} exit 0") as job:
        assert job.state() == "running"
        job.stop()
        assert job.child.exit_code == 0


def test_one_that_ends_before_it_runs_is_said_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"(?s)before it runs: .*no such table"):
        start(tmp_path, "echo no such table; exit 3")


def test_one_that_fails_at_the_end_does_not_count(tmp_path: Path) -> None:
    with start(tmp_path, f"{RUNS} exit 4") as job, pytest.raises(BenchmarkError, match="ended with 4"):
        job.stop()


def test_one_that_is_not_stopped_is_ended(tmp_path: Path) -> None:
    with start(tmp_path, RUNS) as job:
        pass
    assert job.child.exit_code is not None
