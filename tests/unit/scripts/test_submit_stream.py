"""The streaming job on a cluster: shipped, started once, followed until it runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from faults.proxy import Answer, Call
from tests.support.submit_site import ACCOUNT, Aws, cancelled, json_error, make_artefact, platform


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


def up(aws: Aws) -> None:
    """Let the newest step run, the job say so, and the producer become steady."""
    aws.meanwhile = [aws.set_state("RUNNING"), aws.say("running"), aws.steady()]


def add_steps(aws: Aws, names: list[str], state: str) -> list[str]:
    jar = {"Jar": "command-runner.jar", "Args": ["true"]}
    steps = [{"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar} for name in names]
    added = aws.client("emr").add_job_flow_steps(JobFlowId=aws.cluster_id, Steps=steps)["StepIds"]
    for step in aws.steps()[-len(names) :]:
        step.state = state
    return list(added)


def add_step(aws: Aws, name: str, state: str) -> str:
    return add_steps(aws, [name], state)[0]


def test_from_nothing_to_running(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    assert aws.submit() == 0
    assert sorted(aws.keys("app/0.1.0-aaaa/")) == [
        f"app/0.1.0-aaaa/{name}"
        for name in (
            "audit_prices.py",
            "backfill_prices.py",
            "code.zip",
            "deps-arm64.tar.gz",
            "deps-x86_64.tar.gz",
            "maintain_tables.py",
            "manifest.json",
            "stream_prices.py",
        )
    ]
    [settings] = aws.keys("settings/")
    [request] = aws.asked("AddJobFlowSteps")
    assert request["JobFlowId"] == aws.cluster_id
    assert request["ExecutionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{aws.stack}-job"
    [step] = request["Steps"]
    digest = settings.removeprefix("settings/").removesuffix(".yaml")
    assert step["Name"] == f"{aws.stack}/stream/0.1.0-aaaa/{digest}"
    assert step["ActionOnFailure"] == "CONTINUE"
    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    arguments = step["HadoopJarStep"]["Args"]
    assert arguments[:2] == ["spark-submit", "--deploy-mode=cluster"]
    app = f"s3://{aws.bucket}/app/0.1.0-aaaa"
    assert arguments[-3:] == [f"{app}/stream_prices.py", "--config", f"s3://{aws.bucket}/{settings}"]
    assert f"--archives={app}/deps-arm64.tar.gz#deps" in arguments
    read = yaml.safe_load(aws.get(settings) or b"")
    assert read["stream"] == {"name": aws.stack, "region": "us-east-1"}
    assert read["job"]["checkpoint"] == f"s3://{aws.bucket}/lake/checkpoint"
    said = capsys.readouterr().out
    assert "RUNNING, and says: running" in said
    assert f"s3://{aws.bucket}/logs/cluster/{aws.cluster_id}/steps/{aws.steps()[0].id}" in said
    assert "./scripts/submit stop" in said
    assert "producer runs, version 0.1.0-aaaa" in said


def test_submitted_twice_it_runs_once(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    assert aws.submit() == 0
    uploaded = [name for name, _ in aws.requests if name.startswith("PUT") and "/app/0.1.0" in name]
    assert len(uploaded) == 8
    capsys.readouterr()
    aws.requests.clear()
    assert aws.submit() == 0
    assert len(aws.steps()) == 1
    assert not [name for name, _ in aws.requests if name.startswith("PUT")]
    assert not aws.asked("UpdateService")
    said = capsys.readouterr().out
    assert "is there already (RUNNING, version 0.1.0-aaaa); it is not started twice" in said
    assert "producer runs already" in said


def test_one_that_waits_is_followed_and_not_started_twice(aws: Aws) -> None:
    up(aws)
    assert aws.submit("--no-producer") == 0
    aws.steps()[0].state = "PENDING"
    up(aws)
    assert aws.submit("--no-producer") == 0
    assert len(aws.steps()) == 1
    assert aws.steps()[0].state == "RUNNING"


def test_another_version_is_not_started_beside(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    newer = make_artefact(aws.dist, "0.1.0-bbbb")
    capsys.readouterr()
    assert aws.submit("--no-producer", "--package", str(newer)) == 7
    assert len(aws.steps()) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "runs version 0.1.0-aaaa, and this is 0.1.0-bbbb" in line
    assert "--replace" in line


def test_other_settings_are_not_started_beside(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    capsys.readouterr()
    assert aws.submit("--no-producer", "--set", "job.trigger_seconds=60") == 7
    assert len(aws.steps()) == 1
    assert "runs version 0.1.0-aaaa with settings" in capsys.readouterr().err


def test_replace_stops_it_in_good_order_first(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    newer = make_artefact(aws.dist, "0.1.0-bbbb")
    seen: list[bytes | None] = []

    def end() -> None:
        seen.append(aws.get("lake/STOP"))
        aws.say("stopped")()
        aws.set_state("COMPLETED")()

    aws.meanwhile = [end, aws.set_state("RUNNING"), aws.say("running")]
    assert aws.submit("--no-producer", "--replace", "--package", str(newer)) == 0
    assert seen == [b"Put here by ./scripts/submit stop, which removes it when the job has stopped.\n"]
    assert aws.get("lake/STOP") is None
    assert [step.name.split("/")[2] for step in aws.steps()] == ["0.1.0-aaaa", "0.1.0-bbbb"]
    assert "has ended: COMPLETED, and says: stopped" in capsys.readouterr().out


def test_the_old_one_runs_on_until_all_is_there_that_replaces_it(aws: Aws) -> None:
    up(aws)
    aws.submit("--no-producer")
    newer = make_artefact(aws.dist, "0.1.0-bbbb")
    aws.instead["PUT /"] = lambda call: json_error("AccessDenied", status=403) if "0.1.0-bbbb" in call.path else None
    assert aws.submit("--no-producer", "--replace", "--package", str(newer)) == 7
    assert aws.get("lake/STOP") is None
    assert aws.steps()[0].state == "RUNNING"


def test_a_stop_file_that_was_left_is_removed(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.put("lake/STOP", b"")
    up(aws)
    assert aws.submit("--no-producer") == 0
    assert aws.get("lake/STOP") is None
    assert "left from an earlier stop" in capsys.readouterr().out


def test_what_an_earlier_run_said_is_no_news(aws: Aws) -> None:
    aws.say("running")()
    aws.meanwhile = [aws.set_state("RUNNING"), lambda: None, aws.say("running")]
    assert aws.submit("--no-producer") == 0
    assert not aws.meanwhile


def test_the_step_of_another_stack_and_three_hundred_old_ones(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    label = aws.steps()[0].name
    old = [label if number % 2 else f"what others do {number}" for number in range(299)]
    add_steps(aws, old, "COMPLETED")
    # Its name begins as ours does.
    add_step(aws, label.replace(aws.stack, f"{aws.stack}-dev"), "RUNNING")
    pages = sum(name == "ListSteps" for name, _ in aws.requests)
    capsys.readouterr()
    assert aws.submit("--no-producer") == 0
    assert len(aws.steps()) == 301
    assert f"stream ({aws.steps()[0].id}) is there already" in capsys.readouterr().out
    assert sum(name == "ListSteps" for name, _ in aws.requests) > pages

    # With none of ours running, the other stack's is no reason not to start.
    aws.steps()[0].state = "COMPLETED"
    aws.meanwhile = [aws.set_state("RUNNING"), aws.say("running")]
    assert aws.submit("--no-producer") == 0
    assert len(aws.steps()) == 302


def test_two_who_submit_at_the_same_moment_start_one(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    rivals: list[str] = []

    def before_ours(call: Call) -> Answer | None:
        if not rivals:
            rivals.append("on its way")
            rivals[0] = add_step(aws, json.loads(call.body)["Steps"][0]["Name"], "PENDING")
        return None

    aws.instead = {"AddJobFlowSteps": before_ours, "CancelSteps": cancelled(aws)}
    aws.meanwhile = [aws.set_state("RUNNING", 0), aws.say("running")]
    assert aws.submit("--no-producer") == 0
    assert [(step.id == rivals[0], step.state) for step in aws.steps()] == [(True, "RUNNING"), (False, "CANCELLED")]
    assert f"started stream ({rivals[0]})" in capsys.readouterr().out


def test_a_step_that_is_not_known_everywhere_yet(aws: Aws) -> None:
    answers = [json_error("InvalidRequestException", "Step id is not valid.")] * 2
    aws.instead["DescribeStep"] = lambda _: answers.pop() if answers else None
    aws.meanwhile = [lambda: None, aws.set_state("RUNNING"), aws.say("running")]
    assert aws.submit("--no-producer") == 0
    assert not answers


def test_a_job_that_fails_is_an_error_with_its_reason(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        aws.set_state("FAILED")()
        aws.steps()[0].last_state_change_reason = "Unknown Error."

    aws.meanwhile = [aws.set_state("RUNNING"), fail]
    assert aws.submit() == 1
    [line] = capsys.readouterr().err.splitlines()
    step = aws.steps()[0].id
    assert line == f"submit: stream ({step}) is FAILED: Unknown Error.; see ./scripts/submit logs --run {step}"
    # Nothing is put on a stream that nobody reads.
    assert not aws.asked("UpdateService")


def test_a_job_that_does_not_come_up_is_left_as_it_is(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.meanwhile = [aws.set_state("RUNNING"), aws.say("failed")]
    assert aws.submit("--timeout", "60") == 7
    assert 60 <= aws.slept < 70
    assert "does not run after 60 s (RUNNING, and says: failed); it is left as it is" in capsys.readouterr().err
    assert aws.steps()[0].state == "RUNNING"


def test_wait_watches_until_the_end(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.meanwhile = [aws.set_state("RUNNING"), aws.say("running"), lambda: None, aws.set_state("COMPLETED")]
    assert aws.submit("--no-producer", "--wait") == 0
    assert "is done" in capsys.readouterr().out


def test_wait_tells_of_a_job_that_fails_at_last(aws: Aws) -> None:
    aws.meanwhile = [aws.set_state("RUNNING"), aws.say("running"), lambda: None, aws.set_state("FAILED")]
    assert aws.submit("--no-producer", "--wait") == 1


def test_a_cluster_that_has_ended_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.client("emr").terminate_job_flows(JobFlowIds=[aws.cluster_id])
    assert aws.submit() == 7
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"submit: the cluster {aws.cluster_id} is TERMINATED")
    assert line.endswith("make it anew with ./scripts/deploy")
    assert not aws.keys()


def test_a_cluster_that_runs_no_more_steps_at_a_time_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.client("emr").modify_cluster(ClusterId=aws.cluster_id, StepConcurrencyLevel=1)
    other = add_step(aws, "what others do", "RUNNING")
    assert aws.submit() == 7
    line = capsys.readouterr().err
    assert f"runs 1 step(s) at a time, and what others do ({other}) is not done" in line
    assert f"--cluster-id {aws.cluster_id} --step-concurrency-level 4" in line


def test_one_that_is_being_stopped_is_not_followed(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    up(aws)
    aws.submit("--no-producer")
    aws.steps()[0].state = "CANCEL_PENDING"
    assert aws.submit("--no-producer") == 7
    assert "is being stopped (CANCEL_PENDING); submit again when it has ended" in capsys.readouterr().err


def test_ctrl_c_ends_the_watching_and_not_the_job(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    aws.meanwhile = [aws.set_state("RUNNING"), interrupt]
    assert aws.submit() == 130
    assert "what was started goes on" in capsys.readouterr().err
    assert aws.steps()[0].state == "RUNNING"


def test_no_secret_is_among_the_arguments(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", "CG-made-up-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret-0123456789")
    up(aws)
    assert aws.submit() == 0
    sent: list[Any] = [body for _, body in aws.requests]
    assert "CG-made-up-key" not in str(sent)
    assert "made-up-secret" not in str(sent)
