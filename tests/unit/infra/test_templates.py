"""The templates: what CloudFormation takes, and what the platform promises."""

import re
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from scripts.deploy_app.template import MAXIMUM_BYTES
from scripts.platform.stack import platform_of
from tests.unit.infra.resolved import INFRA, Resolved, load, resolve

TEMPLATES = ["platform.yaml", "watch.yaml"]
CERTIFICATES = "s3://the-bucket/certificates/abc.zip"


@pytest.fixture(scope="module")
def cluster() -> Resolved:
    return resolve("platform.yaml", Certificates=CERTIFICATES)


@pytest.fixture(scope="module")
def serverless() -> Resolved:
    return resolve("platform.yaml", Compute="serverless")


def properties(platform: Resolved, name: str) -> dict[str, Any]:
    found: dict[str, Any] = platform.resources[name]["Properties"]
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    assert lint_file(INFRA / name) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_is_short_enough_to_be_sent(name: str) -> None:
    assert len((INFRA / name).read_bytes()) <= MAXIMUM_BYTES


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_is_written_in_the_yaml_that_cloudformation_reads(name: str) -> None:
    # No anchors, aliases and merges.
    assert not re.search(r"(?m)[:-] [&*][a-z]|<<:", (INFRA / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_says_what_it_is_and_what_it_takes(name: str) -> None:
    # These two come from the platform's outputs.
    given = {"Stream", "Key"} if name == "watch.yaml" else set()
    # Names of machines and images, of which new ones come.
    free = {"InstanceType", "CliImage", "PythonImage", "ReleaseLabel", "MaximumCpu", "MaximumMemory"}
    for parameter, each in load(name)["Parameters"].items():
        assert each["Description"]
        assert ("Default" in each) is (parameter not in given)
        if each["Type"] == "Number" and parameter not in free and name == "platform.yaml":
            assert {"MinValue", "AllowedValues"} & each.keys(), parameter
        if each["Type"] == "String" and parameter not in free:
            assert {"AllowedValues", "AllowedPattern"} & each.keys(), parameter


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_resource_that_can_be_tagged_is(name: str) -> None:
    untagged = []
    for resource, each in load(name)["Resources"].items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", each["Type"]).schema
        tagging = schema.get("tagging", {})
        if not tagging.get("taggable", schema.get("taggable", False)):
            continue
        key = str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2]
        tags = each["Properties"].get(key, [])
        if not any(tag.get("Key") == "platform" for tag in tags):
            untagged.append(f"{resource} ({each['Type']})")

    assert untagged == []


@pytest.mark.parametrize("compute", ["cluster", "serverless"])
def test_the_outputs_are_what_the_other_scripts_read(compute: str) -> None:
    outputs = resolve("platform.yaml", Compute=compute, Certificates=CERTIFICATES).outputs
    found = platform_of(
        {
            "StackName": "prices",
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        },
        "eu-west-1",
    )

    assert found.bucket == "the-bucket"
    assert found.compute == compute
    assert (found.cluster_id is None) is (compute == "serverless")
    assert (found.application_id is None) is (compute == "cluster")
    assert {"ApiKeySecret", "Key"} <= outputs.keys()


def test_without_certificates_there_is_everything_but_the_cluster(cluster: Resolved) -> None:
    before = resolve("platform.yaml")

    assert cluster.resources.keys() - before.resources.keys() == {"Cluster", "ClusterSecurity"}


def test_with_a_vpc_of_ones_own_none_is_made() -> None:
    own = resolve("platform.yaml", VpcId="vpc-1", SubnetA="subnet-a", SubnetB="subnet-b", Certificates=CERTIFICATES)
    made = {"VPC", "Subnet", "InternetGateway", "NatGateway", "EIP", "RouteTable", "Route", "VPCEndpoint"}

    assert not {each["Type"].rpartition("::")[2] for each in own.resources.values()} & made
    assert properties(own, "NodesSecurityGroup")["VpcId"] == "vpc-1"
    assert properties(own, "Cluster")["Instances"]["Ec2SubnetId"] == "subnet-a"
    service = properties(own, "ProducerService")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert service["Subnets"] == ["subnet-a", "subnet-b"]


def test_what_cannot_be_had_back_outlives_the_stack(cluster: Resolved) -> None:
    kept = {name for name, each in cluster.resources.items() if each.get("DeletionPolicy") == "RetainExceptOnCreate"}

    # The bucket without its policy would take unencrypted calls; without its key nobody could read it.
    assert kept == {"Bucket", "BucketPolicy", "CommitTable", "Key"}
    assert all(cluster.resources[name]["UpdateReplacePolicy"] == "Retain" for name in kept)


def test_the_bucket_is_closed_encrypted_versioned_and_tidied(cluster: Resolved) -> None:
    bucket = properties(cluster, "Bucket")

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert encryption["BucketKeyEnabled"] is True
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    # Nothing of the lake itself ever goes by age: only what was replaced, and the log store's copies.
    expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"logs/", "lake/ticks/_delta_log/.tmp/", "lake/bars/_delta_log/.tmp/"}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    assert any(rule.get("Prefix") == "lake/checkpoint/" and "NoncurrentVersionExpiration" in rule for rule in rules)


def test_the_stream_is_encrypted_and_keeps_a_week(cluster: Resolved) -> None:
    stream = properties(cluster, "Stream")

    assert stream["StreamEncryption"]["EncryptionType"] == "KMS"
    assert stream["RetentionPeriodHours"] == 168
    assert (stream["StreamModeDetails"], stream["ShardCount"]) == ({"StreamMode": "PROVISIONED"}, 1)
    on_demand = properties(resolve("platform.yaml", Shards=0), "Stream")
    assert on_demand["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert "ShardCount" not in on_demand


def test_the_commit_table_is_what_delta_wants(cluster: Resolved) -> None:
    # As docs/adr/0014 has it from Delta's documentation.
    table = properties(cluster, "CommitTable")

    assert table["KeySchema"] == [
        {"AttributeName": "tablePath", "KeyType": "HASH"},
        {"AttributeName": "fileName", "KeyType": "RANGE"},
    ]
    assert {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]} == {
        "tablePath": "S",
        "fileName": "S",
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expireTime", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEType"] == "KMS"


def test_the_secret_has_no_value_here_and_only_the_producer_gets_it(cluster: Resolved) -> None:
    assert not {"SecretString", "GenerateSecretString"} & properties(cluster, "ApiKeySecret").keys()
    containers = {each["Name"]: each for each in properties(cluster, "ProducerTask")["ContainerDefinitions"]}
    assert [each["Name"] for each in containers["producer"]["Secrets"]] == ["COINGECKO_API_KEY"]
    assert "Secrets" not in containers["fetch"]
    without = properties(resolve("platform.yaml", ProducerApiKey="no"), "ProducerTask")["ContainerDefinitions"]
    assert not any(each.get("Secrets") for each in without)


def test_the_cluster_is_what_it_should_be(cluster: Resolved) -> None:
    made = properties(cluster, "Cluster")

    assert made["ReleaseLabel"] == "emr-7.13.0"
    assert {"Spark", "JupyterHub", "Livy"} <= {each["Name"] for each in made["Applications"]}
    assert {"Classification": "delta-defaults", "ConfigurationProperties": {"delta.enabled": "true"}} in made[
        "Configurations"
    ]
    assert made["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    limits = made["ManagedScalingPolicy"]["ComputeLimits"]
    assert (limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]) == (1, 3)
    # A stream's step never ends, and a backfill has to run beside it.
    assert made["StepConcurrencyLevel"] > 1
    assert made["Name"] != properties(
        resolve("platform.yaml", Certificates=CERTIFICATES, ClusterGeneration=2), "Cluster"
    )


def test_another_generation_is_another_cluster() -> None:
    names = {
        properties(resolve("platform.yaml", Certificates=CERTIFICATES, ClusterGeneration=number), "Cluster")["Name"]
        for number in (1, 2)
    }

    # CloudFormation replaces a cluster whose name changes.
    assert names == {"prices-1", "prices-2"}


def test_the_clusters_security(cluster: Resolved) -> None:
    security = properties(cluster, "ClusterSecurity")["SecurityConfiguration"]
    encryption = security["EncryptionConfiguration"]

    assert encryption["EnableAtRestEncryption"] is True
    assert encryption["EnableInTransitEncryption"] is True
    assert encryption["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"] == {
        "CertificateProviderType": "PEM",
        "S3Object": CERTIFICATES,
    }
    assert encryption["AtRestEncryptionConfiguration"]["S3EncryptionConfiguration"]["EncryptionMode"] == "SSE-KMS"
    assert (
        encryption["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]["EnableEbsEncryption"] is True
    )
    assert security["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"] == 2
    assert security["AuthorizationConfiguration"]["IAMConfiguration"]["EnableApplicationScopedIAMRole"] is True


@pytest.mark.parametrize(
    ("architecture", "instance", "other"), [("arm64", "m6g.xlarge", "ARM64"), ("x86_64", "m6i.xlarge", "X86_64")]
)
def test_all_machines_are_of_one_architecture(architecture: str, instance: str, other: str) -> None:
    cluster = resolve("platform.yaml", Certificates=CERTIFICATES, Architecture=architecture)
    serverless = resolve("platform.yaml", Compute="serverless", Architecture=architecture)

    instances = properties(cluster, "Cluster")["Instances"]
    assert {instances[group]["InstanceType"] for group in ("MasterInstanceGroup", "CoreInstanceGroup")} == {instance}
    assert properties(serverless, "Application")["Architecture"] == other
    assert properties(cluster, "ProducerTask")["RuntimePlatform"]["CpuArchitecture"] == other
    command = properties(cluster, "ProducerTask")["ContainerDefinitions"][1]["Command"][0]
    assert f"/app/deps-{architecture}.tar.gz" in command


def test_the_application_stops_by_itself_and_grows_to_a_limit(serverless: Resolved) -> None:
    application = properties(serverless, "Application")

    assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 15}
    assert application["MaximumCapacity"] == {"Cpu": "16 vCPU", "Memory": "64 GB"}
    assert application["ReleaseLabel"] == "emr-7.13.0"


def test_there_are_never_two_producers(cluster: Resolved) -> None:
    service = properties(cluster, "ProducerService")

    assert service["DeploymentConfiguration"] == {"MinimumHealthyPercent": 0, "MaximumPercent": 100}
    assert service["DesiredCount"] == 0
    assert load("platform.yaml")["Parameters"]["ProducerCount"]["MaxValue"] == 1


def test_the_producers_containers_cannot_change_themselves(cluster: Resolved) -> None:
    containers = properties(cluster, "ProducerTask")["ContainerDefinitions"]

    assert all(each["ReadonlyRootFilesystem"] for each in containers)
    producer = containers[1]
    assert producer["User"] == "1000:1000"
    assert producer["DependsOn"] == [{"ContainerName": "fetch", "Condition": "SUCCESS"}]
    state = next(each for each in properties(cluster, "ProducerTask")["Volumes"] if each["Name"] == "state")
    assert state["EFSVolumeConfiguration"]["TransitEncryption"] == "ENABLED"
    assert properties(cluster, "State")["Encrypted"] is True


def test_no_port_is_open_to_anybody_outside(cluster: Resolved, serverless: Resolved) -> None:
    for platform in (cluster, serverless):
        for each in platform.resources.values():
            if each["Type"] == "AWS::EC2::SecurityGroupIngress":
                assert "SourceSecurityGroupId" in each["Properties"]
            for rule in each["Properties"].get("SecurityGroupIngress", ()):
                assert "SourceSecurityGroupId" in rule
        assert properties(platform, "ProducerService")["NetworkConfiguration"]["AwsvpcConfiguration"][
            "AssignPublicIp"
        ] == ("DISABLED")


def test_everything_at_rest_has_the_platforms_key(cluster: Resolved) -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/the-key"
    for name in ("Stream", "Bucket", "CommitTable", "ApiKeySecret", "LogGroup", "MetricsLogGroup", "State"):
        assert key in str(properties(cluster, name)), name
    assert properties(cluster, "Key")["EnableKeyRotation"] is True
