"""Stopping: in good order by the stop file, at once by force, and what is left behind."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from faults.proxy import Answer
from scripts.platform.errors import PlatformError
from scripts.submit_app.stop import cancel, stop_stream
from scripts.submit_app.work import Kind
from tests.support.submit_site import Aws, cancelled, platform

SETTINGS = """
job:
  stop_file: s3://{0}/elsewhere/STOP
  status_file: s3://{0}/lake/status.json
  checkpoint: s3://{0}/lake/checkpoint
"""


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        made.instead["CancelSteps"] = cancelled(made)
        yield made


def add(aws: Aws, state: str, kind: str = "stream", settings: str = "0123") -> None:
    aws.put("settings/0123.yaml", SETTINGS.format(aws.bucket).encode())
    jar = {"Jar": "command-runner.jar", "Args": ["true"]}
    step = {"Name": f"{aws.stack}/{kind}/1/{settings}", "HadoopJarStep": jar}
    aws.client("emr").add_job_flow_steps(JobFlowId=aws.cluster_id, Steps=[step])
    aws.steps()[-1].state = state


def test_the_stop_file_is_where_the_running_job_looks_for_it(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    add(aws, "RUNNING")
    seen = []

    def end() -> None:
        seen.append(aws.get("elsewhere/STOP") is not None)
        aws.set_state("COMPLETED")()

    aws.meanwhile = [lambda: None, end]
    assert aws.submit("stop") == 0
    assert seen == [True]
    assert aws.keys("elsewhere/") == []
    assert f"put s3://{aws.bucket}/elsewhere/STOP there" in capsys.readouterr().out


def test_one_that_does_not_end_in_time_keeps_its_stop_file(aws: Aws) -> None:
    add(aws, "RUNNING")
    with pytest.raises(PlatformError, match=r"is still RUNNING after 60 s; .*/STOP stays.*; --force does not wait"):
        stop_stream(aws.site(), patience_seconds=60)
    assert aws.keys("elsewhere/") == ["elsewhere/STOP"]
    assert 60 <= aws.slept < 70


def test_one_that_waits_is_cancelled(aws: Aws) -> None:
    add(aws, "PENDING")
    stop_stream(aws.site(), patience_seconds=60)
    assert aws.steps()[0].state == "CANCELLED"
    assert aws.keys("elsewhere/") == []


def test_by_force_the_step_ends_and_then_what_it_has_started(aws: Aws) -> None:
    add(aws, "RUNNING")
    aws.put("lake/checkpoint/lease.json", b'{"beat": 0}')
    # The driver is not the step's own process, and goes on for a while; each look is the time of a lease.
    aws.meanwhile = [lambda: aws.put("lake/checkpoint/lease.json", b'{"beat": 1}')]
    aws.meanwhile += [lambda: None, lambda: aws.put("lake/checkpoint/lease.json", b'{"beat": 2}'), lambda: None]
    stop_stream(aws.site(), patience_seconds=600, force=True)
    assert aws.steps()[0].state == "CANCELLED"
    assert not aws.meanwhile
    assert aws.keys("elsewhere/") == []


def test_by_force_one_that_never_lets_go_keeps_its_stop_file(aws: Aws) -> None:
    add(aws, "RUNNING")
    aws.put("lake/checkpoint/lease.json", b'{"beat": 0}')
    aws.meanwhile = [partial(aws.put, "lake/checkpoint/lease.json", b"%d" % beat) for beat in range(50)]
    with pytest.raises(PlatformError, match=r"a job still holds s3://.*/lake/checkpoint after 90 s; .*STOP stays"):
        stop_stream(aws.site(), patience_seconds=90, force=True)
    assert aws.keys("elsewhere/") == ["elsewhere/STOP"]


def test_one_of_which_no_step_is_left_is_stopped_too(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody has cancelled the step by hand, and its driver goes on."""
    add(aws, "CANCELLED")
    aws.put("lake/checkpoint/lease.json", b'{"beat": 0}')
    aws.meanwhile = [lambda: aws.put("lake/checkpoint/lease.json", b'{"beat": 1}')]
    stop_stream(aws.site(), patience_seconds=600)
    assert "no stream runs for EMR, but one still holds the checkpoint" in capsys.readouterr().out
    assert aws.keys("elsewhere/") == []


def test_where_none_runs_a_stop_file_is_removed(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    add(aws, "COMPLETED")
    aws.put("elsewhere/STOP", b"")
    assert aws.submit("stop") == 0
    assert aws.keys("elsewhere/") == []
    assert "no stream runs" in capsys.readouterr().out


def test_where_none_ever_ran_there_is_nothing_to_do(aws: Aws) -> None:
    assert aws.submit("stop") == 0


def test_without_its_settings_only_force_ends_it(aws: Aws) -> None:
    add(aws, "RUNNING", settings="9999")
    with pytest.raises(PlatformError, match=r"settings 9999 of stream .* say --force"):
        stop_stream(aws.site(), patience_seconds=60)
    assert aws.steps()[0].state == "RUNNING"
    stop_stream(aws.site(), patience_seconds=60, force=True)
    assert aws.steps()[0].state == "CANCELLED"


def test_a_batch_is_ended_by_force_alone_and_nothing_else_with_it(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    add(aws, "RUNNING")
    add(aws, "RUNNING", "backfill")
    assert aws.submit("stop", "backfill") == 2
    assert "a backfill ends by itself; wait for it, or end it in the midst with --force" in capsys.readouterr().err
    cancel(aws.site(), Kind.BACKFILL, patience_seconds=60)
    assert [step.state for step in aws.steps()] == ["RUNNING", "CANCELLED"]
    assert aws.keys("elsewhere/") == []


def test_a_cancel_that_is_refused_is_one_line(aws: Aws) -> None:
    add(aws, "RUNNING", "audit")
    body = b'{"CancelStepsInfoList": [{"StepId": "s-1", "Status": "FAILED", "Reason": "it is a system step"}]}'
    aws.instead["CancelSteps"] = lambda _: Answer(200, body, {"Content-Type": "application/x-amz-json-1.1"})
    with pytest.raises(PlatformError, match=r"cannot cancel the step s-.*: it is a system step"):
        cancel(aws.site(), Kind.AUDIT, patience_seconds=60)
