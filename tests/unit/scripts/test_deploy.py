"""Deploy against moto's server, over the network: made, changed, looked at, deleted.

moto makes neither the alarms nor half of what ``infra/platform.yaml`` has, so the templates here are small ones, with
the same parameters and outputs. Its stacks are at rest at once, and none of its resources ever fails: the rest is in
``test_deploy_steps.py``, with botocore's Stubber. Parameters are no numbers here, since moto takes every update of a
stack that has one for a change.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from rich.console import Console
from typer.testing import CliRunner

from scripts.deploy_app import cli
from scripts.deploy_app.deployment import Deployment
from scripts.deploy_app.present import cluster_has_ended, producer_count
from scripts.deploy_app.removal import remove
from scripts.deploy_app.stack import State, state_of
from scripts.deploy_app.template import Template
from scripts.platform.errors import PlatformError

PLATFORM = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Compute: {Type: String, Default: cluster}
  Certificates: {Type: String, Default: ""}
  ClusterGeneration: {Type: String, Default: 1}
  ProducerCount: {Type: String, Default: 0}
  Shards: {Type: String, Default: 1}
Conditions:
  HasCluster: !And [!Equals [!Ref Compute, cluster], !Not [!Equals [!Ref Certificates, ""]]]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Stream:
    Type: AWS::Kinesis::Stream
    Properties: {Name: !Ref AWS::StackName, ShardCount: 1, Tags: [{Key: shards, Value: !Ref Shards}]}
  Cluster: {Type: AWS::SQS::Queue, Condition: HasCluster}
Outputs:
  Bucket: {Value: !Ref Bucket}
  Stream: {Value: !Ref Stream}
  Key: {Value: "arn:aws:kms:us-east-1:123456789012:key/k"}
  ApiKeySecret: {Value: "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}
"""
WATCH = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stream: {Type: String}
  Key: {Type: String}
  Email: {Type: String, Default: ""}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "${Stream} ${Key} ${Email}"}}
"""


@pytest.fixture
def session(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    session = boto3.Session(region_name="us-east-1")
    client = session.client("cloudformation")
    for found in client.describe_stacks()["Stacks"]:
        client.delete_stack(StackName=found["StackId"])
    return session


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


Make = Callable[..., Deployment]


@pytest.fixture
def make(session: boto3.Session, said: io.StringIO, tmp_path: Path) -> Make:
    """Make a deployment of the small templates, with further outputs and resources."""

    def build(outputs: str = "", resources: str = "", **given: str) -> Deployment:
        text = PLATFORM.replace("Outputs:", f"{resources}Outputs:") + outputs
        (tmp_path / "platform.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "watch.yaml").write_text(WATCH, encoding="utf-8")
        platform, watch = Template.read(tmp_path / "platform.yaml"), Template.read(tmp_path / "watch.yaml")
        console = Console(file=said, width=120)
        return Deployment(session, "prices", platform, watch, given, console, _never)

    return build


def _never(_seconds: float) -> None:
    raise AssertionError("moto's stacks are at rest at once")


def forget(said: io.StringIO) -> None:
    said.seek(0)
    said.truncate()


def stacks_of(session: boto3.Session) -> dict[str, str]:
    return {
        each["StackName"]: each["StackStatus"] for each in session.client("cloudformation").describe_stacks()["Stacks"]
    }


def existing(session: boto3.Session, name: str) -> State:
    state = state_of(session, name)
    assert state is not None
    return state


def resources_of(session: boto3.Session, stack: str) -> set[str]:
    found = session.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    # moto lists those that are not made, too, without a name.
    return {each["LogicalResourceId"] for each in found} - {""}


def test_a_serverless_platform_is_made_at_once(session: boto3.Session, make: Make) -> None:
    state = make(Compute="serverless").run()

    assert stacks_of(session) == {"prices": "CREATE_COMPLETE", "prices-watch": "CREATE_COMPLETE"}
    assert state.outputs["Stream"] == "prices"
    assert resources_of(session, "prices") == {"Bucket", "Stream"}
    watch = existing(session, "prices-watch").parameters
    assert (watch["Stream"], watch["Key"]) == ("prices", "arn:aws:kms:us-east-1:123456789012:key/k")


def test_a_clusters_certificates_come_before_it(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    state = make().run()

    assert resources_of(session, "prices") == {"Bucket", "Stream", "Cluster"}
    bucket, _, key = state.parameters["Certificates"].removeprefix("s3://").partition("/")
    assert bucket == state.outputs["Bucket"]
    assert key.startswith("certificates/")
    body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    # The names that EMR looks for.
    assert files.keys() == {"privateKey.pem", "certificateChain.pem", "trustedCertificates.pem"}
    certificate = x509.load_pem_x509_certificate(files["certificateChain.pem"])
    private = load_pem_private_key(files["privateKey.pem"], password=None)
    one, other = (
        each.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for each in (certificate.public_key(), private.public_key())
    )
    assert one == other
    assert certificate.subject.rfc4514_string() == "CN=*.ec2.internal"
    assert b"PRIVATE KEY" not in said.getvalue().encode()


def test_once_it_is_there_a_cluster_keeps_its_certificates(session: boto3.Session, make: Make) -> None:
    before = make().run()
    after = make(Shards="2").run()

    assert after.parameters["Certificates"] == before.parameters["Certificates"]
    assert after.parameters["Shards"] == "2"
    assert len(session.client("s3").list_objects_v2(Bucket=after.outputs["Bucket"])["Contents"]) == 1


def test_nothing_to_change_is_no_failure(make: Make, said: io.StringIO) -> None:
    make().run()
    forget(said)
    make().run()

    assert "prices: nothing to change." in said.getvalue()
    assert "prices-watch: nothing to change." in said.getvalue()


def test_what_is_not_given_stays_as_it_was(session: boto3.Session, make: Make) -> None:
    make(Compute="serverless", Shards="2", Email="a@example.org").run()
    make(Email="b@example.org").run()

    platform = existing(session, "prices").parameters
    assert (platform["Compute"], platform["Shards"]) == ("serverless", "2")
    assert existing(session, "prices-watch").parameters["Email"] == "b@example.org"


def test_a_dry_run_of_a_new_platform_shows_all_of_it_and_leaves_nothing(
    session: boto3.Session, make: Make, said: io.StringIO
) -> None:
    make().preview()

    assert stacks_of(session) == {}
    text = said.getvalue()
    for words in ("prices: 3 changes", "AWS::Kinesis::Stream", "Cluster", "prices-watch: 1 changes", "Topic"):
        assert words in text


def test_a_dry_run_takes_the_templates_as_they_are(session: boto3.Session, root: Path, said: io.StringIO) -> None:
    platform, watch = (Template.read(root / "infra" / name) for name in ("platform.yaml", "watch.yaml"))
    console = Console(file=said, width=120)
    Deployment(session, "prices", platform, watch, {}, console, _never).preview()

    assert stacks_of(session) == {}
    for kind in ("AWS::EMR::Cluster", "AWS::ECS::Service", "AWS::KMS::Key", "AWS::CloudWatch::Dashboard"):
        assert kind in said.getvalue()


def test_a_dry_run_of_a_change_changes_nothing(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    make(Compute="serverless").run()
    before = existing(session, "prices")
    forget(said)
    make(resources="  Another: {Type: AWS::SQS::Queue}\n").preview()

    assert existing(session, "prices") == before
    assert "Another" in said.getvalue()
    assert "prices-watch: nothing to change." in said.getvalue()
    assert session.client("cloudformation").list_change_sets(StackName="prices")["Summaries"] == []


def test_an_empty_stack_that_was_left_is_cleared_away(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    session.client("cloudformation").create_change_set(
        StackName="prices", ChangeSetName="left", ChangeSetType="CREATE", TemplateBody=PLATFORM
    )
    assert stacks_of(session) == {"prices": "REVIEW_IN_PROGRESS"}

    make(Compute="serverless").run()

    assert stacks_of(session)["prices"] == "CREATE_COMPLETE"
    assert "it is deleted first" in said.getvalue()


def test_a_running_producer_keeps_running(session: boto3.Session, make: Make) -> None:
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="here")
    container = {"name": "producer", "image": "python", "memory": 512}
    ecs.register_task_definition(family="producer", containerDefinitions=[container])
    ecs.create_service(cluster="here", serviceName="producer", taskDefinition="producer", desiredCount=0)
    outputs = "  ProducerCluster: {Value: here}\n  ProducerService: {Value: producer}\n"
    make(outputs, Compute="serverless").run()
    assert existing(session, "prices").parameters["ProducerCount"] == "0"

    ecs.update_service(cluster="here", service="producer", desiredCount=1)
    make(outputs, Shards="2").run()

    assert existing(session, "prices").parameters["ProducerCount"] == "1"
    make(outputs, ProducerCount="0").run()
    assert existing(session, "prices").parameters["ProducerCount"] == "0"


def test_without_a_service_there_is_no_count_to_keep(session: boto3.Session) -> None:
    def state(**outputs: str) -> State:
        return State("id", "CREATE_COMPLETE", {}, outputs)

    assert producer_count(session, state()) is None
    assert producer_count(session, state(ProducerCluster="nowhere", ProducerService="producer")) is None


def test_a_cluster_that_has_ended_is_made_again(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    emr = session.client("emr")
    cluster = emr.run_job_flow(
        Name="prices-1",
        Instances={"InstanceCount": 1, "MasterInstanceType": "m6g.xlarge", "KeepJobFlowAliveWhenNoSteps": True},
        JobFlowRole="r",
        ServiceRole="r",
    )["JobFlowId"]
    outputs = f"  ClusterId: {{Value: {cluster}}}\n"
    make(outputs).run()
    make(outputs).run()
    assert existing(session, "prices").parameters["ClusterGeneration"] == "1"
    assert not cluster_has_ended(session, existing(session, "prices"))

    emr.terminate_job_flows(JobFlowIds=[cluster])
    make(outputs).run()

    assert existing(session, "prices").parameters["ClusterGeneration"] == "2"
    assert "another one takes its place" in said.getvalue()


def test_delete_does_nothing_unless_it_is_meant(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    state = make(Compute="serverless").run()

    with pytest.raises(PlatformError, match="say --yes") as caught:
        remove(session, "prices", Console(file=said), _never, sure=False)

    assert state.outputs["Bucket"] in str(caught.value)
    assert stacks_of(session).keys() == {"prices", "prices-watch"}


def test_delete_takes_both_stacks_and_says_what_stays(session: boto3.Session, make: Make, said: io.StringIO) -> None:
    state = make(Compute="serverless").run()
    remove(session, "prices", Console(file=said, width=200), _never, sure=True)

    assert stacks_of(session) == {}
    assert f"Stays: the bucket {state.outputs['Bucket']}" in said.getvalue()
    with pytest.raises(PlatformError, match="there is no stack prices"):
        remove(session, "prices", Console(file=said), _never, sure=True)


@pytest.fixture
def command(
    session: boto3.Session, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line with the small templates."""
    make()
    monkeypatch.setattr(cli, "_INFRA", tmp_path)
    app = typer.Typer()
    app.command()(cli.deploy)

    def run(*arguments: str) -> tuple[int, str, str]:
        result: Any = CliRunner().invoke(app, [*arguments, "--region", session.region_name])
        return result.exit_code, result.stdout, result.stderr

    return run


def test_the_command_makes_shows_and_deletes(command: Callable[..., tuple[int, str, str]]) -> None:
    code, text, _ = command("--stack", "prices", "--compute", "serverless", "--email", "a@example.org")
    assert code == 0
    assert "Bucket" in text
    assert "./scripts/submit --stack prices" in text
    assert "a@example.org" in text

    assert command("--stack", "prices", "--dry-run")[0] == 0
    code, _, error = command("--stack", "prices", "--delete")
    assert (code, error.count("\n")) == (7, 1)
    assert command("--stack", "prices", "--delete", "--yes")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--yes"], "--yes goes with --delete only"),
        (["--parameter", "Shards"], "say Name=Value"),
        (["--parameter", "Shard=2"], "there is no such parameter; there are Certificates, ClusterGeneration"),
    ],
)
def test_a_wrong_option_is_one_line(
    command: Callable[..., tuple[int, str, str]], arguments: list[str], words: str
) -> None:
    code, _, error = command(*arguments)

    assert code == 2
    assert error.startswith("deploy: ")
    assert words in error
    assert error.count("\n") == 1
