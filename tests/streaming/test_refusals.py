"""The job refuses to start with one clear line, before it starts Spark."""

import subprocess
import sys

from jobs.checkpoint import open_checkpoint
from pricestream.settings import Settings
from tests.conftest import ROOT, MakeSettings
from tests.support.streaming import Stream, job_arguments


def refusal(settings: Settings, *overrides: str) -> tuple[int, str]:
    command = [sys.executable, "jobs/stream_prices.py", *job_arguments(settings, *overrides)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.returncode, done.stderr.strip()


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


def test_a_stop_file_that_is_still_there(stream: Stream, make_settings: MakeSettings) -> None:
    from pathlib import Path

    settings = make_settings()
    Path(settings.job.stop_file).parent.mkdir(parents=True)
    Path(settings.job.stop_file).touch()
    code, line = refusal(settings, *stream.overrides)
    assert (code, line) == (5, f"error: the stop file {settings.job.stop_file} is there; remove it to start")
