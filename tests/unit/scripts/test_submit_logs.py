"""The logs of a driver, where EMR brings them, and the overview."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.submit_site import Aws, platform


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


@pytest.fixture
def serverless(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "serverless", monkeypatch) as made:
        yield made


def add(aws: Aws, name: str, state: str) -> str:
    if aws.compute == "cluster":
        step = {"Name": f"{aws.stack}/{name}", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}}
        aws.client("emr").add_job_flow_steps(JobFlowId=aws.cluster_id, Steps=[step])
    else:
        role = "arn:aws:iam::123456789012:role/job"
        aws.client("emr-serverless").start_job_run(
            applicationId=aws.application_id, clientToken="t", executionRoleArn=role, name=f"{aws.stack}/{name}"
        )
    aws.runs()[-1].state = state
    return str(aws.runs()[-1].id)


def test_the_driver_on_a_cluster_is_the_first_container_of_the_application(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    run = add(aws, "stream/1/0123", "RUNNING")
    logs = f"logs/cluster/{aws.cluster_id}"
    client = b"INFO Client: Application report for application_17_0001 (state: RUNNING)\n" * 3
    aws.put(f"{logs}/steps/{run}/stderr.gz", gzip.compress(client))
    assert aws.submit("logs") == 0
    assert "application_17_0001" in capsys.readouterr().out

    containers = f"{logs}/containers/application_17_0001"
    said = b"".join(b"line %d\n" % number for number in range(200))
    aws.put(f"{containers}/container_17_0001_01_000001/stderr.gz", gzip.compress(said))
    aws.put(f"{containers}/container_17_0001_01_000002/stderr.gz", gzip.compress(b"an executor\n"))
    aws.put(f"{logs}/containers/application_17_0002/container_17_0002_01_000001/stderr.gz", gzip.compress(b"another\n"))
    assert aws.submit("logs", "--lines", "5") == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        f"==> s3://{aws.bucket}/{containers}/container_17_0001_01_000001/stderr.gz",
        *(f"line {number}" for number in range(195, 200)),
    ]


def test_what_came_over_the_stream_moves_no_cursor(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    run = add(aws, "stream/1/0123", "RUNNING")
    aws.put(f"logs/cluster/{aws.cluster_id}/steps/{run}/stderr.gz", gzip.compress(b"bad \x1b[2J[red]coin[/red]\n"))
    assert aws.submit("logs") == 0
    assert "bad \\x1b[2J[red]coin[/red]" in capsys.readouterr().out


def test_a_log_that_is_not_whole_is_said(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    run = add(aws, "stream/1/0123", "RUNNING")
    whole = gzip.compress(b"x" * 1000)
    aws.put(f"logs/cluster/{aws.cluster_id}/steps/{run}/stderr.gz", whole[:-9])
    aws.put(f"logs/cluster/{aws.cluster_id}/steps/{run}/stdout.gz", b"no gzip")
    assert aws.submit("logs") == 0
    assert capsys.readouterr().out.count("(the file is not whole)") == 2


def test_where_there_is_none_yet_it_says_where_it_will_be(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    run = add(aws, "stream/1/0123", "RUNNING")
    assert aws.submit("logs") == 7
    [line] = capsys.readouterr().err.splitlines()
    assert f"no log of stream ({run}, RUNNING) yet below s3://{aws.bucket}/logs/cluster/{aws.cluster_id}/steps" in line


def test_the_log_of_one_run_of_several(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = add(aws, "backfill/1/0123/aa", "FAILED"), add(aws, "backfill/1/0123/bb", "RUNNING")
    for run in (old, new):
        aws.put(f"logs/cluster/{aws.cluster_id}/steps/{run}/stderr.gz", gzip.compress(f"log of {run}\n".encode()))
    assert aws.submit("logs", "backfill") == 0
    assert f"log of {new}" in capsys.readouterr().out
    assert aws.submit("logs", "--run", old) == 0
    assert f"log of {old}" in capsys.readouterr().out
    assert aws.submit("logs", "--run", "s-nowhere") == 7
    assert f"there is no run s-nowhere of the stack {aws.stack}" in capsys.readouterr().err
    assert aws.submit("logs", "audit") == 7
    assert "no audit was ever submitted" in capsys.readouterr().err


def test_a_job_run_is_read_from_the_log_group_and_else_from_the_bucket(
    serverless: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = serverless
    run = add(aws, "stream/1/0123", "RUNNING")
    folder = f"logs/serverless/applications/{aws.application_id}/jobs/{run}"
    aws.put(f"{folder}/SPARK_DRIVER/stderr.gz", gzip.compress(b"from the bucket\n"))
    aws.put(f"{folder}/SPARK_EXECUTOR/1/stderr.gz", gzip.compress(b"an executor\n"))
    assert aws.submit("logs") == 0
    out = capsys.readouterr().out
    assert "from the bucket" in out
    assert "an executor" not in out

    client = aws.client("logs")
    group, stream = f"/{aws.stack}/logs", f"job/applications/{aws.application_id}/jobs/{run}/SPARK_DRIVER/stderr"
    for name in (stream, "job/applications/x/jobs/y/SPARK_DRIVER/stderr", "producer/producer/1"):
        client.create_log_stream(logGroupName=group, logStreamName=name)
    now = 1_795_000_000_000
    events = [{"timestamp": now + number, "message": f"event {number}"} for number in range(20)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    assert aws.submit("logs", "--lines", "2") == 0
    assert capsys.readouterr().out.splitlines() == [f"==> {group}: {stream}", "event 18", "event 19"]


def test_status_is_one_screen(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert aws.submit("status") == 0
    out = capsys.readouterr().out
    assert "no job was ever submitted" in out
    assert "producer: 0 of 0 tasks run" in out

    add(aws, "stream/1/0123", "FAILED")
    stream = add(aws, "stream/2/4567", "RUNNING")
    failed = add(aws, "backfill/1/0123/aa", "FAILED")
    aws.steps()[-1].last_state_change_reason = "no room"
    aws.put("settings/4567.yaml", f"job: {{status_file: s3://{aws.bucket}/lake/status.json}}".encode())
    aws.say("running")()
    assert aws.submit("status") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["stream", stream, "RUNNING", "2", "4567", "running"] in rows
    assert ["backfill", failed, "FAILED", "1", "0123", "no", "room"] in rows
    assert sum(row[:1] == ["stream"] for row in rows) == 1
