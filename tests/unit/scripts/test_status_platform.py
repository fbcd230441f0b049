"""A platform on a stand-in for AWS, looked at from the command line."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from typer.testing import CliRunner, Result

from jobs.status import Status
from scripts.status_app import cli
from tests.support.submit_site import REGION, Aws, json_error, platform, xml_error

DIGEST = "0123456789abcdef"

app = typer.Typer()
app.command()(cli.status)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


@pytest.fixture
def serverless(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "serverless", monkeypatch) as made:
        yield made


def look(aws: Aws, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["--stack", aws.stack, "--region", REGION, *arguments], env={"COLUMNS": "200", "AWS_MAX_ATTEMPTS": "1"}
    )


def document(aws: Aws) -> dict[str, Any]:
    """Look, and give what is found; nothing may be changed."""
    aws.requests.clear()
    result = look(aws, "--json")
    assert result.exit_code in (0, 8), result.output
    reading = ("GET ", "HEAD ", "POST ", "List", "Describe", "Get")
    assert [name for name, _ in aws.requests if not name.startswith(reading)] == []
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["healthy"] is (result.exit_code == 0)
    return found


def run_job(aws: Aws, state: str = "RUNNING") -> None:
    """Start a stream as ``scripts/submit`` names it, with settings of its own."""
    lake = f"s3://{aws.bucket}/lake"
    places = {"csv": "csv", "checkpoint": "checkpoint", "status_file": "status.json"}
    job = {name: f"{lake}/{place}" for name, place in places.items()}
    aws.put(f"settings/{DIGEST}.yaml", json.dumps({"job": job, "producer": {"source": "coingecko"}}).encode())
    name = f"{aws.stack}/stream/0.1.0-aaaa/{DIGEST}"
    if aws.compute == "cluster":
        step = {"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": "command-runner.jar"}}
        aws.client("emr").add_job_flow_steps(JobFlowId=aws.cluster_id, Steps=[step])
    else:
        aws.client("emr-serverless").start_job_run(
            applicationId=aws.application_id,
            executionRoleArn="arn:aws:iam::123456789012:role/job",
            name=name,
            jobDriver={"sparkSubmit": {"entryPoint": "s3://b/stream_prices.py"}},
            mode="STREAMING",
        )
    aws.runs()[-1].state = state


def say(aws: Aws, seconds_ago: float = 5, state: str = "running") -> None:
    status = Status(state, csv_files=1, published_ms=now_ms(), newest_arrival_ms=now_ms())
    aws.put("lake/status.json", status.to_json(round(now_ms() - seconds_ago * 1000)))


def run_producer(aws: Aws) -> None:
    names = {"cluster": f"{aws.stack}-cluster", "service": f"{aws.stack}-producer"}
    aws.client("ecs").update_service(**names, desiredCount=1)
    aws.steady()()


def watch(aws: Aws) -> None:
    """Have two alarms, named as CloudFormation names them, and one of somebody else."""
    for name in (f"{aws.stack}-watch-LagAlarm-1A2B3C", f"{aws.stack}-watch-PollsAlarm-4D5E6F", f"{aws.stack}-other"):
        aws.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmDescription="The job has read no record for long.",
            Namespace="Pricestream",
            MetricName="ConsumerLag",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Period=60,
            Statistic="Maximum",
            Threshold=600,
        )
        state = "ALARM" if name.endswith("other") else "OK"
        aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def measure(aws: Aws, **values: float) -> None:
    """Have metrics a minute old, as CloudWatch makes them out of the events."""
    moment = datetime.now(UTC) - timedelta(seconds=60)
    data = [
        {
            "MetricName": name,
            "Timestamp": moment,
            "Value": value,
            "Dimensions": [{"Name": "Pipeline", "Value": aws.stack}],
        }
        for name, value in values.items()
    ]
    aws.client("cloudwatch").put_metric_data(Namespace="Pricestream", MetricData=data)


def all_well(aws: Aws) -> None:
    run_job(aws)
    say(aws)
    run_producer(aws)
    watch(aws)
    measure(aws, ConsumerLag=30, RecordsSent=21)


def check_well(aws: Aws) -> dict[str, Any]:
    all_well(aws)
    found = document(aws)
    assert found["problems"] == []
    assert found["system"] == f"stack {aws.stack} in us-east-1 ({aws.compute}), stream {aws.stack}"
    assert {name: part["state"] for name, part in found["parts"].items()} == {
        "run": "RUNNING",
        "job": "running",
        "producer": "running",
        "alarms": "off",
        "metrics": "there",
    }
    assert found["parts"]["metrics"]["facts"] == {"ConsumerLag": 30, "RecordsSent": 21}
    return found


def test_a_cluster_that_is_well(aws: Aws) -> None:
    found = check_well(aws)
    assert found["parts"]["run"]["facts"]["version"] == "0.1.0-aaaa"
    result = look(aws)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "healthy"
    assert "ConsumerLag 30 s" in result.output


def test_an_application_that_is_well(serverless: Aws) -> None:
    check_well(serverless)


def test_a_platform_that_nobody_has_used_yet(aws: Aws) -> None:
    found = document(aws)
    assert found["problems"] == [
        "run: the stream was never submitted; start it with ./scripts/submit",
        "producer: is stopped: no task is wanted; start it with ./scripts/submit",
        f"alarms: no alarm {aws.stack}-watch-* is there, so nobody is told; make them with ./scripts/deploy",
        "metrics: none came in the last 15 minutes: neither job nor producer says anything",
    ]


Change = Callable[[Aws], None]


def alarm_on(aws: Aws) -> None:
    name = f"{aws.stack}-watch-LagAlarm-1A2B3C"
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")


def no_task(aws: Aws) -> None:
    aws.service().running_count = 0


def settings_gone(aws: Aws) -> None:
    aws.client("s3").delete_object(Bucket=aws.bucket, Key=f"settings/{DIGEST}.yaml")


def failed(aws: Aws) -> None:
    aws.runs()[-1].state = "FAILED"


def waits(aws: Aws) -> None:
    aws.runs()[-1].state = "PENDING"


def silent(aws: Aws) -> None:
    say(aws, seconds_ago=3_600)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (failed, "run: the stream does not run: "),
        (waits, "run: the stream does not run yet: "),
        (silent, "job: has said nothing for 60 min: it is dead, in a long repair, or hangs"),
        (settings_gone, "job: its settings are gone from s3://"),
        (no_task, "producer: no task runs: "),
        (alarm_on, "alarms: "),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_looked_at(aws: Aws, change: Change, said: str) -> None:
    all_well(aws)
    change(aws)
    found = document(aws)
    [problem] = found["problems"]
    assert problem.startswith(said)
    assert len(found["parts"]) == 5


def test_an_alarm_says_what_it_is_about(aws: Aws) -> None:
    all_well(aws)
    alarm_on(aws)
    found = document(aws)
    name = f"{aws.stack}-watch-LagAlarm-1A2B3C"
    assert found["problems"] == [f"alarms: {name} is on: The job has read no record for long."]
    assert found["parts"]["alarms"]["facts"] == {"on": [name]}


Service = Literal["run", "job", "producer", "alarms", "metrics"]


@pytest.mark.parametrize(
    ("part", "operation"), [("run", "ListSteps"), ("producer", "DescribeServices"), ("metrics", "GetMetricData")]
)
def test_what_may_not_be_looked_at_is_said_and_the_rest_is(aws: Aws, part: Service, operation: str) -> None:
    all_well(aws)
    aws.instead[operation] = lambda _: json_error("AccessDeniedException", "not allowed", 400)
    if part == "metrics":
        aws.instead["POST /"] = lambda call: xml_error("AccessDenied") if b"Action=GetMetricData" in call.body else None
    found = document(aws)
    assert found["parts"][part]["state"] == "unknown"
    assert found["parts"][part]["problems"][0].startswith("cannot ")
    assert "denies" in found["parts"][part]["problems"][0]
    others = {"run": {"run", "job"}, "producer": {"producer"}, "metrics": {"metrics"}}[part]
    assert {name for name, each in found["parts"].items() if each["problems"]} == others


def test_no_such_stack_is_one_line(aws: Aws) -> None:
    result = CliRunner().invoke(app, ["--stack", "no-such", "--region", REGION])
    assert result.exit_code == 7
    assert result.stderr.startswith("status: there is no stack no-such in us-east-1")
    assert len(result.stderr.splitlines()) == 1
    assert aws.requests
