"""A platform on a stand-in for AWS, for the tests of ``scripts/submit``: real calls over the network to moto.

What moto never does by itself (steps that run and end, tasks that become steady) a test does to moto's own records,
which are in this process. What it cannot do at all is answered by a proxy in front of it.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
import yaml
from moto.ecs.models import ecs_backends
from moto.emr.models import emr_backends
from moto.emrserverless import models as emrserverless
from moto.emrserverless.models import emrserverless_backends
from rich.console import Console

from faults.proxy import Answer, Call, Forward, Proxy
from scripts.platform.session import open_session
from scripts.submit_app import options
from scripts.submit_app.cli import main
from scripts.submit_app.site import Site, open_site

ACCOUNT = "123456789012"
REGION = "us-east-1"
ENTRIES = ("stream_prices.py", "backfill_prices.py", "audit_prices.py", "maintain_tables.py")


@dataclass
class Aws:
    """What a test may look at and change."""

    proxy: Proxy
    stack: str
    compute: Literal["cluster", "serverless"]
    cluster_id: str
    application_id: str
    dist: Path
    config: Path
    #: What happens while the command waits: one entry for each time that it sleeps.
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    #: The seconds that the command has slept.
    slept: float = 0.0
    #: Each request, by its operation.
    requests: list[tuple[str, Any]] = field(default_factory=list)
    #: Answers instead of moto, by operation; None passes the call on.
    instead: dict[str, Callable[[Call], Answer | None]] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        return f"{self.stack}-bucket"

    def client(self, name: str) -> Any:
        return boto3.client(name, region_name=REGION, endpoint_url=self.proxy.url)  # type: ignore[call-overload]

    # -- what the command does

    def site(self, console: Console | None = None) -> Site:
        """Open the platform as the command does, with the test's own clock."""
        opened = open_site(open_session(REGION, attempts=1), self.stack, console or Console(), self.dist)
        return replace(opened, sleep=self.sleep, clock=lambda: self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def submit(self, *arguments: str) -> int:
        """Run a command line; the settings file and the stack are the test's."""
        line = list(arguments)
        subcommand = line[0] if line and not line[0].startswith("-") else "stream"
        line += ["--stack", self.stack, "--region", REGION]
        if subcommand not in ("status", "stop", "logs"):
            line += ["--config", str(self.config)]
        try:
            main(line)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    # -- what is there

    def steps(self) -> list[Any]:
        """Moto's own records, the oldest first."""
        return list(emr_backends[ACCOUNT][REGION].clusters[self.cluster_id].steps)

    def job_runs(self) -> list[Any]:
        return list(emrserverless_backends[ACCOUNT][REGION].job_runs.get(self.application_id, []))

    def runs(self) -> list[Any]:
        return self.steps() if self.compute == "cluster" else self.job_runs()

    def service(self) -> Any:
        return ecs_backends[ACCOUNT][REGION].services[f"{self.stack}-cluster:{self.stack}-producer"]

    def set_state(self, state: str, index: int = -1) -> Callable[[], None]:
        """Give what brings a run into a state."""

        def change() -> None:
            run = self.runs()[index]
            if run.state in ("CANCELLED", "COMPLETED", "FAILED", "SUCCESS"):
                raise AssertionError(f"{run.id} has ended already: {run.state}")
            run.state = state

        return change

    def say(self, state: str) -> Callable[[], None]:
        """Give what lets the streaming job say how it is."""
        return lambda: self.put("lake/status.json", json.dumps({"state": state, "at": self.slept}).encode())

    def steady(self, count: int = 1) -> Callable[[], None]:
        """Give what lets so many tasks of the producer run."""

        def change() -> None:
            service = self.service()
            service.running_count = count
            service.deployments = [{**service.deployments[0], "rolloutState": "COMPLETED", "runningCount": count}]

        return change

    def put(self, key: str, content: bytes) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes | None:
        client = self.client("s3")
        try:
            return bytes(client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except client.exceptions.NoSuchKey:
            return None

    def keys(self, prefix: str = "") -> list[str]:
        page = self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in page.get("Contents", [])]

    def asked(self, operation: str) -> list[Any]:
        """What was asked for, each time."""
        return [body for name, body in self.requests if name == operation]

    def handle(self, call: Call, forward: Forward) -> Answer:
        operation = call.headers.get("x-amz-target", "").rpartition(".")[2] or f"{call.method} {call.path}"
        if call.headers.get("content-type", "").startswith(("application/json", "application/x-amz-json")):
            self.requests.append((operation, json.loads(call.body or b"{}")))
        else:
            self.requests.append((operation, call.body))
        for name, answer in self.instead.items():
            if operation.startswith(name) and (found := answer(call)) is not None:
                return found
        return forward(call)


def json_error(code: str, message: str = "no", status: int = 400) -> Answer:
    """An error as EMR, ECS and most others word it."""
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return Answer(status, body, headers)


def xml_error(code: str, message: str = "no", status: int = 403) -> Answer:
    """An error as S3 and CloudFormation word it."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, body.encode(), {"Content-Type": "text/xml"})


def cancelled(aws: Aws) -> Callable[[Call], Answer]:
    """Do what moto has not: CancelSteps."""

    def cancel(call: Call) -> Answer:
        ids = json.loads(call.body)["StepIds"]
        for step in aws.steps():
            if step.id in ids:
                step.state = "CANCELLED"
        said = [{"StepId": each, "Status": "SUBMITTED"} for each in ids]
        return Answer(
            200,
            json.dumps({"CancelStepsInfoList": said}).encode(),
            {"Content-Type": "application/x-amz-json-1.1"},
        )

    return cancel


def make_artefact(dist: Path, version: str, architecture: str = "arm64") -> Path:
    """Write what ``scripts/package`` writes, with other content."""
    folder = dist / f"pricestream-{version}"
    folder.mkdir(parents=True)
    for name in ("code.zip", "deps-arm64.tar.gz", "deps-x86_64.tar.gz", *ENTRIES):
        (folder / name).write_bytes(f"{name} of {version} {architecture}".encode())
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    manifest = {"version": version, "commit": "c" * 40, "python": "3.11", "files": digests}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@contextmanager
def platform(
    moto_url: str, folder: Path, compute: Literal["cluster", "serverless"], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Aws]:
    """Make a platform of its own for one test."""
    with ExitStack() as stack:
        aws = Aws(
            proxy=stack.enter_context(Proxy(moto_url, lambda call, forward: aws.handle(call, forward))),
            stack=f"prices-{uuid.uuid4().hex[:10]}",
            compute=compute,
            cluster_id="",
            application_id="",
            dist=folder / "dist",
            config=folder / "emr.yaml",
        )
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stand-in")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stand-in")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.proxy.url)
        # By itself a job run is done at once.
        monkeypatch.setattr(emrserverless, "JOB_STATUS", "SUBMITTED")
        monkeypatch.setattr(options, "open_session", lambda region: open_session(region, attempts=1))
        monkeypatch.setattr(
            options,
            "open_site",
            lambda session, name, console, dist: replace(
                open_site(session, name, console, dist), sleep=aws.sleep, clock=lambda: aws.slept, dist=aws.dist
            ),
        )
        aws.config.write_text(yaml.safe_dump({"job": {"spark": {"shuffle_partitions": 8}}}))
        _deploy(aws)
        make_artefact(aws.dist, "0.1.0-aaaa")
        aws.requests.clear()
        made = aws.stack
        # Made now: a test may take the environment's credentials or profile away.
        client = boto3.client("cloudformation", region_name=REGION, endpoint_url=moto_url)
        try:
            yield aws
        finally:
            # Other tests look at all stacks of this account.
            client.delete_stack(StackName=made)


def _deploy(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket=aws.bucket)
    aws.cluster_id = aws.client("emr").run_job_flow(
        Name=aws.stack,
        LogUri=f"s3://{aws.bucket}/logs/cluster/",
        ReleaseLabel="emr-7.9.0",
        JobFlowRole="nodes",
        ServiceRole="emr",
        StepConcurrencyLevel=5,
        Instances={
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
            "SlaveInstanceType": "m5.xlarge",
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )["JobFlowId"]
    aws.application_id = aws.client("emr-serverless").create_application(
        name=aws.stack, releaseLabel="emr-7.9.0", type="SPARK", clientToken=uuid.uuid4().hex
    )["applicationId"]
    # Moto does not know an application before its first job run.
    emrserverless_backends[ACCOUNT][REGION].job_runs[aws.application_id] = []
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=f"{aws.stack}-cluster")
    container = {"name": "producer", "image": "python", "memory": 512}
    ecs.register_task_definition(family=f"{aws.stack}-producer", containerDefinitions=[container])
    ecs.create_service(
        cluster=f"{aws.stack}-cluster",
        serviceName=f"{aws.stack}-producer",
        taskDefinition=f"{aws.stack}-producer",
        desiredCount=0,
        launchType="FARGATE",
    )
    # With no task to run it is steady from its birth on, and stays so.
    aws.service().deployments[0]["rolloutState"] = "IN_PROGRESS"
    aws.client("logs").create_log_group(logGroupName=f"/{aws.stack}/logs")
    outputs = {
        "Bucket": aws.bucket,
        "Stream": aws.stack,
        "Compute": aws.compute,
        "Architecture": "arm64",
        "JobRole": f"arn:aws:iam::{ACCOUNT}:role/{aws.stack}-job",
        "LogGroup": f"/{aws.stack}/logs",
        "MetricsLogGroup": f"/{aws.stack}/metrics",
        "CommitTable": f"{aws.stack}-commits",
        "ProducerCluster": f"{aws.stack}-cluster",
        "ProducerService": f"{aws.stack}-producer",
    }
    outputs |= {"ClusterId": aws.cluster_id} if aws.compute == "cluster" else {"ApplicationId": aws.application_id}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    aws.client("cloudformation").create_stack(StackName=aws.stack, TemplateBody=json.dumps(template))
