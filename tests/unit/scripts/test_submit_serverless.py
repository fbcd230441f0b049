"""The streaming job on EMR Serverless: what a job run is started with, and that there is one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.proxy import Answer, Call
from tests.support.submit_site import ACCOUNT, Aws, json_error, platform


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "serverless", monkeypatch) as made:
        yield made


def up(aws: Aws) -> None:
    aws.meanwhile = [aws.set_state("SCHEDULED"), aws.set_state("RUNNING"), aws.say("running")]


def start_run(aws: Aws, name: str, state: str) -> str:
    started = aws.client("emr-serverless").start_job_run(
        applicationId=aws.application_id,
        clientToken="t",
        executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/other",
        name=name,
    )["jobRunId"]
    aws.job_runs()[-1].state = state
    return str(started)


def starts(aws: Aws) -> list[dict[str, object]]:
    return aws.asked(f"POST /applications/{aws.application_id}/jobruns")


def test_from_nothing_to_running(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    assert aws.submit("--no-producer") == 0
    [settings] = aws.keys("settings/")
    [request] = starts(aws)
    token = request.pop("clientToken")
    parameters = request["jobDriver"]["sparkSubmit"].pop("sparkSubmitParameters")  # type: ignore[index]
    app = f"s3://{aws.bucket}/app/0.1.0-aaaa"
    digest = settings.removeprefix("settings/").removesuffix(".yaml")
    assert request == {
        "name": f"{aws.stack}/stream/0.1.0-aaaa/{digest}",
        "mode": "STREAMING",
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{aws.stack}-job",
        "executionTimeoutMinutes": 0,
        "retryPolicy": {"maxFailedAttemptsPerHour": 5},
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": f"{app}/stream_prices.py",
                "entryPointArguments": ["--config", f"s3://{aws.bucket}/{settings}"],
            }
        },
    }
    assert isinstance(token, str)
    assert len(token) == 64
    assert f"--conf spark.archives={app}/deps-arm64.tar.gz#deps" in parameters
    said = capsys.readouterr().out
    run = aws.job_runs()[0].id
    assert f"s3://{aws.bucket}/logs/serverless/applications/{aws.application_id}/jobs/{run}" in said
    assert f"stream ({run}): SCHEDULED" in said


def test_submitted_twice_it_runs_once(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    assert aws.submit("--no-producer") == 0
    assert len(starts(aws)) == 1
    assert "it is not started twice" in capsys.readouterr().out


def test_a_token_is_the_same_for_all_who_start_after_the_same_run(aws: Aws) -> None:
    """Two that list nothing start with one token, of which AWS makes one run; moto makes two."""
    up(aws)
    aws.submit("--no-producer")
    first = aws.job_runs()[0]
    # Nobody sees it yet.
    name, first.name = first.name, "hidden"
    up(aws)
    aws.submit("--no-producer")
    first.name = name
    # Both have ended, and it is started anew.
    for run in aws.job_runs():
        run.state = "SUCCESS"
    up(aws)
    aws.submit("--no-producer")
    tokens = [request["clientToken"] for request in starts(aws)]
    assert tokens[0] == tokens[1] != tokens[2]


def test_a_token_of_another_work_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.instead[f"POST /applications/{aws.application_id}/jobruns"] = lambda _: json_error(
        "ConflictException", "t", 409
    )
    assert aws.submit("--no-producer") == 7
    [line] = capsys.readouterr().err.splitlines()
    assert line == "submit: another stream was started at this moment; see ./scripts/submit status"


def test_the_run_of_another_stack_and_many_old_ones(aws: Aws) -> None:
    up(aws)
    aws.submit("--no-producer")
    label = aws.job_runs()[0].name
    start_run(aws, label.replace(aws.stack, f"{aws.stack}-dev"), "RUNNING")
    start_run(aws, label, "SUCCESS")
    start_run(aws, "what others do", "RUNNING")

    def page(call: Call) -> Answer | None:
        """Give one run a page, as moto does not."""
        number = int(call.path.partition("nextToken=")[2].partition("&")[0] or 0)
        runs = [each for each in aws.job_runs() if "states=" not in call.path or each.state in call.path]
        names = ("id", "name", "state", "arn", "created_by", "release_label")
        fields = ("id", "name", "state", "arn", "createdBy", "releaseLabel")
        rows = [
            {
                **{key: getattr(run, name) or "x" for key, name in zip(fields, names, strict=True)},
                "applicationId": aws.application_id,
                "createdAt": 1_700_000_000,
                "updatedAt": 1_700_000_000,
                "executionRole": "r",
                "stateDetails": "",
            }
            for run in runs[number : number + 1]
        ]
        body: dict[str, object] = {"jobRuns": rows}
        if number + 1 < len(runs):
            body["nextToken"] = str(number + 1)
        return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    aws.instead[f"GET /applications/{aws.application_id}/jobruns?"] = page
    # The one that runs is on the last page.
    runs = aws.job_runs()
    runs.append(runs.pop(0))
    assert aws.submit("--no-producer") == 0
    assert len(aws.job_runs()) == 4

    runs[0].state = "SUCCESS"
    for run in aws.job_runs():
        if run.name == label:
            run.state = "SUCCESS"
    up(aws)
    assert aws.submit("--no-producer") == 0
    assert len(aws.job_runs()) == 5


def test_a_job_that_fails_is_an_error_with_its_reason(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        aws.set_state("FAILED")()
        aws.job_runs()[-1].state_details = "Job failed, please check complete logs."

    aws.meanwhile = [aws.set_state("RUNNING"), fail]
    assert aws.submit("--no-producer") == 1
    assert "is FAILED: Job failed, please check complete logs.;" in capsys.readouterr().err


def test_a_run_that_is_not_known_everywhere_yet(aws: Aws) -> None:
    answers = [json_error("ResourceNotFoundException", "no such job run", 404)]

    def once(call: Call) -> Answer | None:
        return answers.pop() if answers and "?" not in call.path else None

    aws.instead[f"GET /applications/{aws.application_id}/jobruns/"] = once
    aws.meanwhile = [lambda: None, aws.set_state("RUNNING"), aws.say("running")]
    assert aws.submit("--no-producer") == 0
    assert not answers


def test_an_application_that_is_gone_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    client = aws.client("emr-serverless")
    client.stop_application(applicationId=aws.application_id)
    client.delete_application(applicationId=aws.application_id)
    assert aws.submit() == 7
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"submit: the application {aws.application_id} is TERMINATED; make it anew with ./scripts/deploy"


def test_a_setting_with_a_blank_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    option = "job.spark.conf={spark.driver.extraJavaOptions: -Da=1 -Db=2}"
    assert aws.submit("--no-producer", "--set", option) == 7
    [line] = capsys.readouterr().err.splitlines()
    assert "job.spark.conf.spark.driver.extraJavaOptions: '-Da=1 -Db=2' has a blank in it" in line


def test_stop_is_graceful(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")

    def end() -> None:
        assert aws.get("lake/STOP") is not None
        aws.say("stopped")()
        aws.set_state("SUCCESS")()

    aws.meanwhile = [end]
    assert aws.submit("stop") == 0
    assert aws.get("lake/STOP") is None
    assert "has ended: SUCCESS, and says: stopped" in capsys.readouterr().out


def test_stop_by_force_cancels_and_gives_it_time(aws: Aws) -> None:
    up(aws)
    aws.submit("--no-producer")
    assert aws.submit("stop", "--force") == 0
    assert aws.job_runs()[0].state == "CANCELLED"
    assert any("shutdownGracePeriodInSeconds=120" in name for name, _ in aws.requests)
    assert aws.get("lake/STOP") is None
