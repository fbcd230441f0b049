"""The job refuses to start with one clear line, before it starts Spark."""

import subprocess
import sys
from threading import Event
from typing import TYPE_CHECKING

import pytest

from jobs.checkpoint import open_checkpoint
from jobs.lease import hold_checkpoint
from pricestream.settings import Settings
from tests.conftest import ROOT, MakeSettings
from tests.support.streaming import Stream, job_arguments

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def refusal(settings: Settings, *overrides: str) -> tuple[int, str]:
    code, lines = end_of(settings, *overrides)
    assert len(lines) == 1
    return code, lines[0]


def end_of(settings: Settings, *overrides: str) -> tuple[int, list[str]]:
    command = [sys.executable, "jobs/stream_prices.py", *job_arguments(settings, *overrides)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()


def test_a_wrong_setting(stream: Stream, make_settings: MakeSettings) -> None:
    code, line = refusal(make_settings(), *stream.overrides, "job.triger_seconds=1")
    assert (code, line) == (
        2,
        "error: conf/local.yaml: job.triger_seconds: unknown key; did you mean trigger_seconds?",
    )


def test_a_stream_that_does_not_exist(stream: Stream, make_settings: MakeSettings) -> None:
    code, line = refusal(make_settings(), *stream.overrides, "stream.name=nowhere")
    assert code == 4
    assert line.startswith("error: stream nowhere does not exist in us-east-1; create it, or let the producer")


def test_a_checkpoint_of_another_stream(stream: Stream, make_settings: MakeSettings) -> None:
    settings = make_settings()
    open_checkpoint(settings).claim({"stream": "arn:aws:kinesis:us-east-1:123456789012:stream/other"})
    code, line = refusal(settings, *stream.overrides)
    assert code == 5
    assert "belongs to stream arn:aws:kinesis:us-east-1:123456789012:stream/other, not arn:" in line
    assert "set job.checkpoint to a new folder" in line


@pytest.mark.parametrize("on_s3", [False, True])
def test_a_second_job_on_a_checkpoint(
    stream: Stream, s3: "S3Client", endpoint: str, make_settings: MakeSettings, on_s3: bool
) -> None:
    overrides = [*stream.overrides, f"job.s3.endpoint_url={endpoint}", "job.s3.path_style=true"]
    settings = make_settings(*overrides, "job.s3.lease_seconds=3")
    if on_s3:
        s3.create_bucket(Bucket="refusals")
        settings = make_settings(*overrides, "job.s3.lease_seconds=3", root="s3://refusals")
    with hold_checkpoint(open_checkpoint(settings), Event(), patience_seconds=3):
        code, lines = end_of(settings, *overrides, "job.s3.lease_seconds=3")
    assert code == 5
    assert "is using it; stop it first, or set job.checkpoint to a folder of its own" in lines[-1]
    assert len([line for line in lines if line.startswith("error: ")]) == 1


def test_a_stop_file_that_is_still_there(stream: Stream, make_settings: MakeSettings) -> None:
    from pathlib import Path

    settings = make_settings()
    Path(settings.job.stop_file).parent.mkdir(parents=True)
    Path(settings.job.stop_file).touch()
    code, line = refusal(settings, *stream.overrides)
    assert (code, line) == (5, f"error: the stop file {settings.job.stop_file} is there; remove it to start")
