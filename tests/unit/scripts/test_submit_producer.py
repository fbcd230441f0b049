"""The producer: its files and settings where its task looks for them, one task, and why it does not run."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from faults.proxy import Answer
from scripts.platform.errors import PlatformError
from scripts.submit_app.artefact import find_artefact, upload
from scripts.submit_app.producer import Producer
from scripts.submit_app.settings import Checked, producer_settings
from scripts.submit_app.site import Site
from tests.support.submit_site import Aws, json_error, make_artefact, platform


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


def checked(aws: Aws, site: Site, *overrides: str) -> Checked:
    return producer_settings(site.platform, aws.config, overrides)


def test_started_once_and_stopped(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.meanwhile = [aws.steady()]
    assert aws.submit("producer") == 0
    assert aws.get("app/producer/code.zip") == b"code.zip of 0.1.0-aaaa arm64"
    assert aws.get("app/producer/deps-arm64.tar.gz") == b"deps-arm64.tar.gz of 0.1.0-aaaa arm64"
    # Its disk is small, and its machine of one kind.
    assert aws.get("app/producer/deps-x86_64.tar.gz") is None
    read = yaml.safe_load(aws.get("app/producer/settings.yaml") or b"")
    assert read["stream"]["name"] == aws.stack
    [request] = aws.asked("UpdateService")
    assert request == {
        "cluster": f"{aws.stack}-cluster",
        "service": f"{aws.stack}-producer",
        "desiredCount": 1,
        "forceNewDeployment": True,
    }
    assert "producer runs, version 0.1.0-aaaa" in capsys.readouterr().out

    assert aws.submit("producer") == 0
    assert len(aws.asked("UpdateService")) == 1
    assert "producer runs already" in capsys.readouterr().out

    aws.meanwhile = [aws.steady()]
    assert aws.submit("producer", "--set", "producer.poll_seconds=100") == 0
    assert len(aws.asked("UpdateService")) == 2

    aws.meanwhile = [aws.steady()]
    assert aws.submit("producer", "--restart") == 0
    assert len(aws.asked("UpdateService")) == 3

    aws.meanwhile = [aws.steady(0)]
    assert aws.submit("producer", "--stop") == 0
    assert aws.asked("UpdateService")[-1]["desiredCount"] == 0
    assert "producer has stopped" in capsys.readouterr().out


def test_another_version_is_another_task(aws: Aws) -> None:
    aws.meanwhile = [aws.steady()]
    aws.submit("producer")
    newer = make_artefact(aws.dist, "0.1.0-bbbb")
    aws.meanwhile = [aws.steady()]
    assert aws.submit("producer", "--package", str(newer)) == 0
    assert aws.get("app/producer/code.zip") == b"code.zip of 0.1.0-bbbb arm64"
    assert len(aws.asked("UpdateService")) == 2


def test_the_service_as_it_was_before_is_not_taken_for_the_new_one(aws: Aws) -> None:
    """ECS may show a service for a moment as it was: steady, with the old deployment."""
    aws.meanwhile = [aws.steady()]
    aws.submit("producer")
    service = aws.client("ecs").describe_services(cluster=f"{aws.stack}-cluster", services=[f"{aws.stack}-producer"])[
        "services"
    ][0]
    body = json.dumps({"services": [service]}, default=str).encode()
    old = Answer(200, body.replace(b'"createdAt"', b'"x"').replace(b'"updatedAt"', b'"y"'), {})
    answers = [old, old]
    site, artefact = aws.site(), find_artefact(aws.dist, None, "arm64")
    aws.instead["DescribeServices"] = lambda _: answers.pop() if answers else None
    aws.meanwhile = [lambda: None, aws.steady()]
    Producer(site).start(artefact, checked(aws, site), patience_seconds=600, restart=True)
    assert not answers
    assert aws.slept >= 5


def test_one_that_never_runs_says_why(aws: Aws) -> None:
    site, artefact = aws.site(), find_artefact(aws.dist, None, "arm64")
    upload(site, artefact)
    reason = "ResourceInitializationError: unable to pull secrets"
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/{aws.stack}-cluster/1"
    task = {"taskArn": arn, "stoppedReason": reason, "containers": [{"reason": "exit 1"}]}
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    aws.instead["ListTasks"] = lambda _: Answer(200, json.dumps({"taskArns": [arn]}).encode(), headers)
    aws.instead["DescribeTasks"] = lambda _: Answer(200, json.dumps({"tasks": [task]}).encode(), headers)
    with pytest.raises(PlatformError, match=f"is not steady after 60 s: {reason}; exit 1; its log is in /{aws.stack}/"):
        Producer(site).start(artefact, checked(aws, site), patience_seconds=60)

    def fail() -> None:
        service = aws.service()
        service.deployments = [{**service.deployments[0], "failedTasks": 3}]

    aws.slept, aws.meanwhile = 0, [fail]
    with pytest.raises(PlatformError, match=f"the producer has failed: {reason}"):
        Producer(site).start(artefact, checked(aws, site), patience_seconds=6_000)
    assert aws.slept < 60


def test_where_no_task_says_why_the_service_does(aws: Aws) -> None:
    site, artefact = aws.site(), find_artefact(aws.dist, None, "arm64")
    upload(site, artefact)
    with pytest.raises(PlatformError, match="ECS gives no reason"):
        Producer(site).start(artefact, checked(aws, site), patience_seconds=5)
    aws.service().events = [{"message": "unable to place a task"}]
    with pytest.raises(PlatformError, match="unable to place a task"):
        Producer(site).start(artefact, checked(aws, site), patience_seconds=5)


def test_a_service_that_is_not_there_is_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.client("ecs").delete_service(cluster=f"{aws.stack}-cluster", service=f"{aws.stack}-producer", force=True)
    assert aws.submit("producer") == 7
    assert f"there is no service {aws.stack}-producer in the ECS cluster" in capsys.readouterr().err


def test_a_key_that_is_missing_is_said_before_a_task_fails_of_it(aws: Aws) -> None:
    site, artefact = aws.site(), find_artefact(aws.dist, None, "arm64")
    upload(site, artefact)
    name = f"{aws.stack}-key"
    client = aws.client("secretsmanager")
    client.create_secret(Name=name)
    site = replace(site, platform=replace(site.platform, api_key_secret=name))
    settings = checked(aws, site)
    with pytest.raises(PlatformError, match=f"the secret {name} has no CoinGecko key yet"):
        Producer(site).start(artefact, settings, patience_seconds=60)
    assert not aws.asked("UpdateService")

    # A made-up market needs none.
    aws.meanwhile = [aws.steady()]
    Producer(site).start(artefact, checked(aws, site, "producer.source=simulated"), patience_seconds=60)

    client.put_secret_value(SecretId=name, SecretString="CG-made-up")
    aws.meanwhile = [aws.steady()]
    Producer(site).start(artefact, settings, patience_seconds=60)
    assert not aws.asked("GetSecretValue")

    # Who may not look at secrets may start the producer.
    aws.instead["DescribeSecret"] = lambda _: json_error("AccessDeniedException")
    aws.meanwhile = [aws.steady()]
    Producer(site).start(artefact, settings, patience_seconds=60, restart=True)
