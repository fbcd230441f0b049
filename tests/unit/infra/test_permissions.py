"""Who may do what on AWS: a table of what is allowed and what is forbidden, and of who may become whom."""

from typing import Any

import pytest

from tests.unit.infra.policy import is_allowed, listed, statements_of
from tests.unit.infra.resolved import ACCOUNT, REGION, STACK, Resolved, resolve

BUCKET, OTHER_BUCKET = "arn:aws:s3:::the-bucket", "arn:aws:s3:::another-bucket"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STACK}"
OTHER_STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STACK}-2"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/the-table"
OTHER_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/another"
KEY, OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/the-key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/another"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:the-secret"
FILES = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{STACK}/logs:log-stream:"
METRICS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{STACK}/metrics:log-stream:"
OTHER_LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/another:log-stream:x"
JOB, NOTEBOOK = f"arn:aws:iam::{ACCOUNT}:role/JobRole", f"arn:aws:iam::{ACCOUNT}:role/NotebookRole"
NODE, EMR = f"arn:aws:iam::{ACCOUNT}:role/NodeRole", f"arn:aws:iam::{ACCOUNT}:role/EmrRole"


def via(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}


def prefix(text: str) -> dict[str, str]:
    return {"s3:prefix": text}


Row = tuple[str, str, str, dict[str, str]]

ALLOWED: list[Row] = [
    ("JobRole", "kinesis:DescribeStreamSummary", STREAM, {}),
    ("JobRole", "kinesis:ListShards", STREAM, {}),
    ("JobRole", "kinesis:GetShardIterator", STREAM, {}),
    ("JobRole", "kinesis:GetRecords", STREAM, {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/lake/ticks/part-0.parquet", {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/lake", {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/app/1.0/code.zip", {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/settings/abc.yaml", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/lake/csv/interval=1m/date=2026-01-05/hour=09/bars.csv", {}),
    ("JobRole", "s3:DeleteObject", f"{BUCKET}/lake/checkpoint/lease.json", {}),
    ("JobRole", "s3:AbortMultipartUpload", f"{BUCKET}/lake/ticks/part-0.parquet", {}),
    ("JobRole", "s3:ListBucket", BUCKET, prefix("lake/ticks/")),
    # S3 asks for it where a GetObject finds nothing; there is no prefix then.
    ("JobRole", "s3:ListBucket", BUCKET, {}),
    ("JobRole", "dynamodb:DescribeTable", TABLE, {}),
    ("JobRole", "dynamodb:GetItem", TABLE, {}),
    ("JobRole", "dynamodb:PutItem", TABLE, {}),
    ("JobRole", "dynamodb:Query", TABLE, {}),
    ("JobRole", "kms:Decrypt", KEY, via("s3")),
    ("JobRole", "kms:Decrypt", KEY, via("kinesis")),
    ("JobRole", "kms:Decrypt", KEY, via("dynamodb")),
    ("JobRole", "kms:GenerateDataKey", KEY, via("s3")),
    ("JobRole", "logs:CreateLogStream", f"{METRICS}job", {}),
    ("JobRole", "logs:PutLogEvents", f"{METRICS}job", {}),
    ("NotebookRole", "s3:GetObject", f"{BUCKET}/lake/bars/part-0.parquet", {}),
    ("NotebookRole", "s3:ListBucket", BUCKET, prefix("lake/bars/")),
    ("NotebookRole", "kms:Decrypt", KEY, via("s3")),
    ("NodeRole", "sts:AssumeRole", JOB, {}),
    ("NodeRole", "sts:TagSession", JOB, {}),
    ("NodeRole", "sts:AssumeRole", NOTEBOOK, {}),
    ("NodeRole", "s3:GetObject", f"{BUCKET}/certificates/abc.zip", {}),
    ("NodeRole", "s3:GetObject", f"arn:aws:s3:::{REGION}.elasticmapreduce/libs/script-runner/script-runner.jar", {}),
    ("NodeRole", "s3:PutObject", f"{BUCKET}/logs/cluster/j-1/steps/s-1/stderr.gz", {}),
    ("NodeRole", "s3:PutObject", f"{BUCKET}/jupyter/jovyan/notebook.ipynb", {}),
    ("NodeRole", "s3:DeleteObject", f"{BUCKET}/jupyter/jovyan/notebook.ipynb", {}),
    ("NodeRole", "s3:ListBucket", BUCKET, prefix("jupyter/jovyan/")),
    ("NodeRole", "kms:Encrypt", KEY, {}),
    ("NodeRole", "kms:Decrypt", KEY, {}),
    ("NodeRole", "kms:ReEncryptFrom", KEY, {}),
    ("NodeRole", "kms:ReEncryptTo", KEY, {}),
    ("NodeRole", "kms:GenerateDataKey", KEY, {}),
    ("NodeRole", "kms:DescribeKey", KEY, {}),
    ("NodeRole", "ssm:UpdateInstanceInformation", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", {}),
    ("NodeRole", "ssmmessages:CreateControlChannel", "*", {}),
    ("NodeRole", "ssmmessages:CreateDataChannel", "*", {}),
    ("NodeRole", "ssmmessages:OpenControlChannel", "*", {}),
    ("NodeRole", "ssmmessages:OpenDataChannel", "*", {}),
    ("EmrRole", "iam:PassRole", NODE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("EmrRole", "kms:Encrypt", KEY, via("ec2")),
    ("EmrRole", "kms:Decrypt", KEY, via("ec2")),
    ("EmrRole", "kms:ReEncryptFrom", KEY, via("ec2")),
    ("EmrRole", "kms:ReEncryptTo", KEY, via("ec2")),
    ("EmrRole", "kms:GenerateDataKey", KEY, via("ec2")),
    ("EmrRole", "kms:GenerateDataKeyWithoutPlaintext", KEY, via("ec2")),
    ("EmrRole", "kms:DescribeKey", KEY, via("ec2")),
    ("EmrRole", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    ("ProducerRole", "kinesis:DescribeStreamSummary", STREAM, {}),
    ("ProducerRole", "kinesis:PutRecords", STREAM, {}),
    ("ProducerRole", "s3:GetObject", f"{BUCKET}/app/producer/code.zip", {}),
    ("ProducerRole", "s3:ListBucket", BUCKET, prefix("app/producer/")),
    ("ProducerRole", "kms:GenerateDataKey", KEY, via("kinesis")),
    ("ProducerRole", "kms:Decrypt", KEY, via("s3")),
    (
        "ProducerRole",
        "elasticfilesystem:ClientMount",
        FILES,
        {"elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1"},
    ),
    (
        "ProducerRole",
        "elasticfilesystem:ClientWrite",
        FILES,
        {"elasticfilesystem:AccessPointArn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1"},
    ),
    ("ProducerExecutionRole", "secretsmanager:GetSecretValue", SECRET, {}),
    ("ProducerExecutionRole", "kms:Decrypt", KEY, via("secretsmanager")),
    ("ProducerExecutionRole", "logs:CreateLogStream", f"{LOGS}producer/producer/1", {}),
    ("ProducerExecutionRole", "logs:PutLogEvents", f"{LOGS}producer/producer/1", {}),
]

FORBIDDEN: list[Row] = [
    # The job reads its stream, and no other, and writes none.
    ("JobRole", "kinesis:GetRecords", OTHER_STREAM, {}),
    ("JobRole", "kinesis:PutRecord", STREAM, {}),
    ("JobRole", "kinesis:PutRecords", STREAM, {}),
    ("JobRole", "kinesis:DeleteStream", STREAM, {}),
    ("JobRole", "kinesis:SubscribeToShard", f"{STREAM}/consumer/x:1", {}),
    # It tells nobody but the one topic it is given.
    ("JobRole", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:other", {}),
    # It changes the lake and nothing else, not what it is made of, and what it replaces can be had back.
    ("JobRole", "s3:GetObject", f"{OTHER_BUCKET}/lake/x", {}),
    ("JobRole", "s3:PutObject", f"{OTHER_BUCKET}/lake/x", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/app/1.0/code.zip", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/app/producer/code.zip", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/settings/abc.yaml", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/lakeside", {}),
    ("JobRole", "s3:DeleteObject", f"{BUCKET}/logs/cluster/x", {}),
    ("JobRole", "s3:DeleteObjectVersion", f"{BUCKET}/lake/ticks/x", {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/certificates/abc.zip", {}),
    ("JobRole", "s3:GetObject", f"{BUCKET}/jupyter/x", {}),
    ("JobRole", "s3:ListBucket", BUCKET, prefix("certificates/")),
    ("JobRole", "s3:ListBucket", OTHER_BUCKET, {}),
    ("JobRole", "s3:DeleteBucket", BUCKET, {}),
    ("JobRole", "s3:PutBucketPolicy", BUCKET, {}),
    ("JobRole", "s3:PutLifecycleConfiguration", BUCKET, {}),
    ("JobRole", "dynamodb:PutItem", OTHER_TABLE, {}),
    ("JobRole", "dynamodb:DeleteItem", TABLE, {}),
    ("JobRole", "dynamodb:Scan", TABLE, {}),
    ("JobRole", "dynamodb:CreateTable", TABLE, {}),
    ("JobRole", "dynamodb:DeleteTable", TABLE, {}),
    ("JobRole", "secretsmanager:GetSecretValue", SECRET, {}),
    ("JobRole", "kms:Decrypt", KEY, via("secretsmanager")),
    ("JobRole", "kms:Decrypt", KEY, {}),
    ("JobRole", "kms:Decrypt", OTHER_KEY, via("s3")),
    ("JobRole", "kms:ScheduleKeyDeletion", KEY, {}),
    ("JobRole", "logs:PutLogEvents", OTHER_LOGS, {}),
    ("JobRole", "logs:PutLogEvents", f"{LOGS}producer/producer/1", {}),
    ("JobRole", "logs:DeleteLogGroup", f"{METRICS}", {}),
    ("JobRole", "iam:PassRole", JOB, {}),
    ("JobRole", "sts:AssumeRole", NODE, {}),
    ("JobRole", "ec2:RunInstances", "*", {}),
    # Notebooks read, and read no settings, checkpoint, or key.
    ("NotebookRole", "s3:PutObject", f"{BUCKET}/lake/bars/x", {}),
    ("NotebookRole", "s3:DeleteObject", f"{BUCKET}/lake/bars/x", {}),
    ("NotebookRole", "s3:GetObject", f"{BUCKET}/lake/checkpoint/x", {}),
    ("NotebookRole", "s3:GetObject", f"{BUCKET}/settings/abc.yaml", {}),
    ("NotebookRole", "s3:GetObject", f"{OTHER_BUCKET}/lake/bars/x", {}),
    ("NotebookRole", "kinesis:GetRecords", STREAM, {}),
    ("NotebookRole", "dynamodb:PutItem", TABLE, {}),
    ("NotebookRole", "kms:GenerateDataKey", KEY, via("s3")),
    ("NotebookRole", "secretsmanager:GetSecretValue", SECRET, {}),
    # A node has what it needs to be one. It reaches the lake only as a job or a notebook.
    ("NodeRole", "s3:GetObject", f"{BUCKET}/lake/ticks/x", {}),
    ("NodeRole", "s3:PutObject", f"{BUCKET}/lake/ticks/x", {}),
    ("NodeRole", "s3:PutObject", f"{BUCKET}/app/1.0/code.zip", {}),
    ("NodeRole", "s3:PutObject", f"{BUCKET}/certificates/abc.zip", {}),
    ("NodeRole", "s3:GetObject", f"{OTHER_BUCKET}/x", {}),
    ("NodeRole", "s3:ListBucket", BUCKET, prefix("lake/")),
    ("NodeRole", "kinesis:GetRecords", STREAM, {}),
    ("NodeRole", "kinesis:PutRecords", STREAM, {}),
    ("NodeRole", "dynamodb:PutItem", TABLE, {}),
    ("NodeRole", "sts:AssumeRole", EMR, {}),
    ("NodeRole", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {}),
    ("NodeRole", "iam:PassRole", NODE, {}),
    ("NodeRole", "kms:Decrypt", OTHER_KEY, {}),
    ("NodeRole", "kms:CreateGrant", KEY, {}),
    ("NodeRole", "secretsmanager:GetSecretValue", SECRET, {}),
    ("NodeRole", "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/x", {}),
    # EMR gives the nodes their role and no other.
    ("EmrRole", "iam:PassRole", JOB, {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("EmrRole", "iam:PassRole", NODE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    ("EmrRole", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"}),
    ("EmrRole", "kms:Decrypt", KEY, via("s3")),
    ("EmrRole", "s3:GetObject", f"{BUCKET}/lake/x", {}),
    # The producer writes to its stream, and reads neither that nor the lake nor, itself, the secret.
    ("ProducerRole", "kinesis:PutRecords", OTHER_STREAM, {}),
    ("ProducerRole", "kinesis:GetRecords", STREAM, {}),
    ("ProducerRole", "kinesis:CreateStream", STREAM, {}),
    ("ProducerRole", "kinesis:DeleteStream", STREAM, {}),
    ("ProducerRole", "s3:GetObject", f"{BUCKET}/lake/ticks/x", {}),
    ("ProducerRole", "s3:GetObject", f"{BUCKET}/app/1.0/code.zip", {}),
    ("ProducerRole", "s3:PutObject", f"{BUCKET}/app/producer/code.zip", {}),
    ("ProducerRole", "s3:ListBucket", BUCKET, {}),
    ("ProducerRole", "s3:ListBucket", BUCKET, prefix("lake/")),
    ("ProducerRole", "kms:Decrypt", KEY, via("kinesis")),
    ("ProducerRole", "kms:Decrypt", KEY, via("secretsmanager")),
    ("ProducerRole", "secretsmanager:GetSecretValue", SECRET, {}),
    ("ProducerRole", "elasticfilesystem:ClientMount", FILES, {}),
    ("ProducerRole", "elasticfilesystem:ClientRootAccess", FILES, {}),
    ("ProducerRole", "logs:PutLogEvents", f"{METRICS}x", {}),
    # ECS, as it starts the producer, reads that secret, and writes that log.
    ("ProducerExecutionRole", "secretsmanager:GetSecretValue", SECRET.replace("the-secret", "another"), {}),
    ("ProducerExecutionRole", "secretsmanager:PutSecretValue", SECRET, {}),
    ("ProducerExecutionRole", "kms:Decrypt", KEY, via("s3")),
    ("ProducerExecutionRole", "logs:PutLogEvents", f"{LOGS}job/1", {}),
    ("ProducerExecutionRole", "logs:CreateLogGroup", OTHER_LOGS, {}),
    ("ProducerExecutionRole", "kinesis:PutRecords", STREAM, {}),
    ("ProducerExecutionRole", "s3:GetObject", f"{BUCKET}/app/producer/code.zip", {}),
]

#: What is there besides with Compute=serverless, with FanOut=yes, and with an AlertTopic.
RUN_LOG = f"{BUCKET}/logs/serverless/applications/a/jobs/j/SPARK_DRIVER/stdout.gz"
GROUPS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
CONSUMER = f"{STREAM}/consumer/prices:1"
SERVERLESS: list[Row] = [
    ("JobRole", "s3:PutObject", RUN_LOG, {}),
    ("JobRole", "logs:CreateLogStream", f"{LOGS}job/1", {}),
    ("JobRole", "logs:PutLogEvents", f"{LOGS}job/1", {}),
    ("JobRole", "logs:DescribeLogStreams", f"{LOGS}job/1", {}),
    ("JobRole", "logs:DescribeLogGroups", f"{GROUPS}*", {}),
]
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:prices"
ALERTS: list[Row] = [("JobRole", "sns:Publish", TOPIC, {})]
FAN_OUT: list[Row] = [
    ("JobRole", "kinesis:SubscribeToShard", CONSUMER, {}),
    ("JobRole", "kinesis:ListStreamConsumers", STREAM, {}),
    ("JobRole", "kinesis:DescribeStreamConsumer", CONSUMER, {}),
    ("JobRole", "kinesis:RegisterStreamConsumer", STREAM, {}),
    ("JobRole", "kinesis:DeregisterStreamConsumer", CONSUMER, {}),
]

ROLES = {"JobRole", "NotebookRole", "NodeRole", "EmrRole", "ProducerRole", "ProducerExecutionRole"}


@pytest.fixture(scope="module")
def cluster() -> Resolved:
    return resolve("platform.yaml", Certificates="s3://the-bucket/certificates/abc.zip")


@pytest.fixture(scope="module")
def everything() -> Resolved:
    return resolve("platform.yaml", Compute="serverless", FanOut="yes", AlertTopic=TOPIC)


def _id(row: Row) -> str:
    role, action, resource, context = row
    return f"{role} {action} {resource.rpartition(':')[2]} {' '.join(context.values())}".strip()


@pytest.mark.parametrize("row", ALLOWED, ids=_id)
def test_allowed(cluster: Resolved, row: Row) -> None:
    role, action, resource, context = row

    assert is_allowed(statements_of(cluster, role), action, resource, context)


@pytest.mark.parametrize("row", FORBIDDEN, ids=_id)
def test_forbidden(cluster: Resolved, row: Row) -> None:
    role, action, resource, context = row

    assert not is_allowed(statements_of(cluster, role), action, resource, context)


@pytest.mark.parametrize("row", [*SERVERLESS, *FAN_OUT, *ALERTS], ids=_id)
def test_what_only_a_serverless_run_fan_out_or_alerts_need_is_there_only_then(
    cluster: Resolved, everything: Resolved, row: Row
) -> None:
    role, action, resource, context = row

    assert is_allowed(statements_of(everything, role), action, resource, context)
    assert not is_allowed(statements_of(cluster, role), action, resource, context)


@pytest.mark.parametrize("row", [row for row in FORBIDDEN if row[0] == "JobRole"], ids=_id)
def test_a_serverless_job_may_no_more_than_that(everything: Resolved, row: Row) -> None:
    role, action, resource, context = row
    if action == "kinesis:SubscribeToShard":
        everything = resolve("platform.yaml", Compute="serverless")

    assert not is_allowed(statements_of(everything, role), action, resource, context)


def test_every_action_of_every_role_is_in_the_table(cluster: Resolved, everything: Resolved) -> None:
    table = {(role, action) for role, action, _, _ in [*ALLOWED, *SERVERLESS, *FAN_OUT, *ALERTS]}
    written = {
        (role, action)
        for platform in (cluster, everything)
        for role in ROLES & platform.resources.keys()
        for statement in statements_of(platform, role)
        for action in listed(statement["Action"])
    }

    assert written == table


def test_the_table_has_every_role(cluster: Resolved, everything: Resolved) -> None:
    for platform in (cluster, everything):
        roles = {name for name, each in platform.resources.items() if each["Type"] == "AWS::IAM::Role"}
        assert roles <= ROLES


def test_no_role_may_everything_or_anywhere(cluster: Resolved, everything: Resolved) -> None:
    for platform in (cluster, everything):
        for role in ROLES & platform.resources.keys():
            for statement in statements_of(platform, role):
                assert not any("*" in action for action in listed(statement["Action"]))
                if "*" in listed(statement["Resource"]):
                    assert statement["Sid"] == "SessionManager"


def test_aws_own_policies_are_used_for_emr_alone(cluster: Resolved) -> None:
    managed = {
        name: each["Properties"]["ManagedPolicyArns"]
        for name, each in cluster.resources.items()
        if "ManagedPolicyArns" in each["Properties"]
    }

    assert managed == {"EmrRole": ["arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"]}


@pytest.mark.parametrize(
    ("compute", "role", "principals"),
    [
        ("cluster", "JobRole", [{"AWS": NODE}]),
        ("cluster", "NotebookRole", [{"AWS": NODE}]),
        ("cluster", "NodeRole", [{"Service": "ec2.amazonaws.com"}]),
        ("cluster", "EmrRole", [{"Service": "elasticmapreduce.amazonaws.com"}]),
        ("cluster", "ProducerRole", [{"Service": "ecs-tasks.amazonaws.com"}]),
        ("cluster", "ProducerExecutionRole", [{"Service": "ecs-tasks.amazonaws.com"}]),
        ("serverless", "JobRole", [{"Service": "emr-serverless.amazonaws.com"}]),
        ("serverless", "NotebookRole", [{"Service": "emr-serverless.amazonaws.com"}]),
    ],
)
def test_who_may_become_whom(compute: str, role: str, principals: list[Any]) -> None:
    trust = resolve("platform.yaml", Compute=compute).resources[role]["Properties"]["AssumeRolePolicyDocument"]

    assert [statement["Principal"] for statement in trust["Statement"]] == principals
    for statement in trust["Statement"]:
        # A service acts for every account, so it says for which; the nodes' role has only its own.
        if "Service" in statement["Principal"] and role != "NodeRole":
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_nobody_reaches_the_bucket_unencrypted(cluster: Resolved) -> None:
    document = cluster.resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, *document]

    assert is_allowed(everything, "s3:GetObject", f"{BUCKET}/lake/x", {"aws:SecureTransport": "true"})
    assert not is_allowed(everything, "s3:GetObject", f"{BUCKET}/lake/x", {"aws:SecureTransport": "false"})
    assert not is_allowed(everything, "s3:ListBucket", BUCKET, {"aws:SecureTransport": "false"})
