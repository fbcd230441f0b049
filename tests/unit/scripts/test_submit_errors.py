"""What AWS refuses, one line each; what is said on the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.proxy import Answer
from scripts.platform.errors import PlatformError
from scripts.platform.session import open_session
from scripts.platform.stack import find_platform
from scripts.submit_app.cli import main
from tests.support.submit_site import Aws, json_error, platform, xml_error


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


def line_of(capsys: pytest.CaptureFixture[str]) -> str:
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("submit: ")
    return line


@pytest.mark.parametrize(
    ("operation", "answer", "said"),
    [
        (
            "POST /",
            xml_error("AccessDenied", "User: me is not authorized to perform: cloudformation:DescribeStacks"),
            "AWS denies DescribeStacks: User: me is not authorized to perform: cloudformation:DescribeStacks",
        ),
        ("POST /", xml_error("ExpiredToken"), "the AWS session has expired (ExpiredToken); log in again"),
        ("POST /", xml_error("InvalidClientTokenId"), "AWS does not know the access key (InvalidClientTokenId)"),
        ("POST /", xml_error("Throttling", status=400), "AWS turns calls away for now (Throttling)"),
        ("DescribeCluster", json_error("InvalidRequestException", "Cluster id 'j-1' is not valid."), "is not valid"),
        ("DescribeCluster", json_error("ExpiredTokenException"), "the AWS session has expired"),
        (
            "AddJobFlowSteps",
            json_error("AccessDeniedException", "not authorized to perform: iam:PassRole on role x"),
            "cannot add a step to the cluster j-",
        ),
        ("AddJobFlowSteps", json_error("ThrottlingException"), "AWS turns calls away for now (ThrottlingException)"),
        ("ListSteps", json_error("ThrottlingException"), "cannot list the steps of the cluster j-"),
        ("DescribeStep", json_error("ExpiredTokenException"), "the AWS session has expired (ExpiredTokenException)"),
        ("PUT /", xml_error("AccessDenied", "Access Denied"), "AWS denies PutObject: Access Denied"),
        ("GET /", xml_error("AccessDenied", "Access Denied"), "AWS denies GetObject: Access Denied"),
    ],
)
def test_each_refusal_is_one_line(
    aws: Aws, operation: str, answer: Answer, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.instead[operation] = lambda _: answer
    assert aws.submit() == 7
    line = line_of(capsys)
    assert said in line
    assert "Traceback" not in line


def test_a_stack_that_is_not_there(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.stack = "nowhere"
    assert aws.submit() == 7
    assert line_of(capsys) == (
        "submit: there is no stack nowhere in us-east-1; make it with ./scripts/deploy, or give --stack"
    )


def test_a_stack_that_is_not_whole(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.client("cloudformation").create_stack(
        StackName=f"{aws.stack}-half", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    )
    aws.stack += "-half"
    assert aws.submit() == 7
    assert f"the stack {aws.stack} (CREATE_COMPLETE) does not say its Bucket" in line_of(capsys)
    aws.client("cloudformation").delete_stack(StackName=aws.stack)


def test_no_credentials(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert aws.submit() == 7
    assert "no AWS credentials found; log in, or set AWS_PROFILE" in line_of(capsys)


def test_a_profile_that_is_not_there(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert aws.submit() == 7
    assert "The config profile (nobody) could not be found" in line_of(capsys)


def test_nobody_answers(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert aws.submit() == 7
    assert "Could not connect to the endpoint URL" in line_of(capsys)


def test_no_region(aws: Aws) -> None:
    with pytest.raises(PlatformError, match="no AWS region is set; give --region, or set AWS_DEFAULT_REGION"):
        find_platform(open_session(attempts=1), aws.stack)


def test_a_service_that_is_busy_is_asked_again(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    answers = [xml_error("Throttling", status=400)] * 5
    aws.instead["POST /"] = lambda _: answers.pop() if answers else None
    client = open_session("us-east-1").client("cloudformation")
    assert client.describe_stacks(StackName=aws.stack)["Stacks"]
    assert not answers


def test_help_of_every_subcommand_says_its_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("stream", "producer", "backfill", "audit", "maintain", "status", "stop", "logs"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert "Exit codes:" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "backfill" in capsys.readouterr().out


def test_an_option_that_there_is_not(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert aws.submit("--replcae") == 2
    assert "No such option" in capsys.readouterr().err


def test_a_wrong_setting(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert aws.submit("--set", "job.tikcs=x") == 2
    assert "job.tikcs: unknown key; did you mean ticks?" in line_of(capsys)
    assert not aws.keys()


def test_a_backfill_runs_beside_the_stream_and_the_very_same_once(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    days = ("--from", "2026-01-05", "--to", "2026-01-06")
    aws.meanwhile = [aws.set_state("RUNNING")]
    assert aws.submit("backfill", *days, "--coins", "bitcoin", "--include-late") == 0
    [request] = aws.asked("AddJobFlowSteps")
    command = request["Steps"][0]["HadoopJarStep"]["Args"]
    first = command.index("--config") + 2
    assert command[first:] == [
        "--from=2026-01-05",
        "--to=2026-01-06",
        "--source=ticks",
        "--coins=bitcoin",
        "--include-late",
    ]
    assert command[first - 3].endswith("/backfill_prices.py")
    assert aws.submit("backfill", *days, "--coins", "bitcoin", "--include-late") == 0
    assert len(aws.steps()) == 1
    assert "it is not started twice" in capsys.readouterr().out

    # Other days are another backfill; --wait tells how it ended.
    aws.meanwhile = [aws.set_state("RUNNING"), aws.set_state("FAILED")]
    assert aws.submit("backfill", "--from", "2026-02-05", "--to", "2026-02-06", "--wait") == 1
    assert len(aws.steps()) == 2


def test_audit_and_maintain(aws: Aws) -> None:
    aws.meanwhile = [aws.set_state("RUNNING"), aws.set_state("COMPLETED")]
    assert aws.submit("audit", "--from", "2026-01-05", "--repair", "--wait") == 0
    aws.meanwhile = [aws.set_state("RUNNING")]
    assert aws.submit("maintain", "--dry-run") == 0
    commands = [request["Steps"][0]["HadoopJarStep"]["Args"] for request in aws.asked("AddJobFlowSteps")]
    assert commands[0][-2:] == ["--from=2026-01-05", "--repair"]
    assert commands[1][-1] == "--dry-run"
    assert [step.name.split("/")[1] for step in aws.steps()] == ["audit", "maintain"]


def test_what_a_backfill_cannot_have_there(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    days = ("--from", "2026-01-05", "--to", "2026-01-06")
    assert aws.submit("backfill", *days, "--source", "files", "--path", "/home/me/trades.csv") == 2
    assert "is no file on S3" in line_of(capsys)
    demo = ("--set", "producer.coingecko.plan=demo")
    assert aws.submit("backfill", *days, "--source", "coingecko", *demo) == 2
    assert "have no CoinGecko key, and producer.coingecko.plan is demo" in line_of(capsys)
    assert not aws.steps()
