"""Stack: what a deployed platform consists of, as the outputs of its CloudFormation stack tell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import boto3
from botocore.exceptions import ClientError

from scripts.platform.errors import PlatformError, aws_errors

#: What a stack, and all that it makes, is called where nothing else is said.
STACK: Final = "pricestream"

Compute = Literal["cluster", "serverless"]
Architecture = Literal["x86_64", "arm64"]

#: The outputs that every stack has; see ``infra/platform.yaml``.
_ALWAYS: Final = (
    "Bucket",
    "Stream",
    "Compute",
    "Architecture",
    "JobRole",
    "LogGroup",
    "MetricsLogGroup",
    "CommitTable",
    "ProducerCluster",
    "ProducerService",
)


@dataclass(frozen=True)
class Platform:
    """A deployed platform."""

    stack: str
    region: str
    bucket: str
    stream: str
    compute: Compute
    #: Of the cluster's, or the application's, machines.
    architecture: Architecture
    #: The role that the job runs as, an ARN.
    job_role: str
    log_group: str
    metrics_log_group: str
    #: The DynamoDB table through which several drivers take turns.
    commit_table: str
    #: The ECS cluster and service of the producer.
    producer_cluster: str
    producer_service: str
    #: Where ``compute`` is ``cluster``.
    cluster_id: str | None = None
    #: Where it is ``serverless``.
    application_id: str | None = None
    #: The secret with the CoinGecko key of the producer.
    api_key_secret: str | None = None

    @property
    def lake(self) -> str:
        """The folder of tables, CSV, checkpoint and status."""
        return f"s3://{self.bucket}/lake"


def find_platform(session: boto3.Session, stack: str = STACK) -> Platform:
    """Look a platform up.

    Raises:
        PlatformError: there is no such stack, it is not whole, or AWS refuses.
    """
    with aws_errors(f"look up the stack {stack}"):
        client = session.client("cloudformation")
        region = client.meta.region_name
        try:
            found = client.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            # The code is that of any wrong parameter.
            if "does not exist" not in str(error):
                raise
            found = []
    if not found:
        raise PlatformError(f"there is no stack {stack} in {region}; make it with ./scripts/deploy, or give --stack")
    return platform_of(cast(Mapping[str, Any], found[0]), region)


def platform_of(description: Mapping[str, Any], region: str) -> Platform:
    """Read a stack's description, as DescribeStacks gives it.

    Raises:
        PlatformError: an output is missing.
    """
    stack = description["StackName"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in description.get("Outputs", ())}
    missing = [name for name in _ALWAYS if not outputs.get(name)]
    if missing:
        status = description.get("StackStatus", "unknown")
        raise PlatformError(
            f"the stack {stack} ({status}) does not say its {', '.join(missing)}; finish it with ./scripts/deploy"
        )
    return Platform(
        stack=stack,
        region=region,
        cluster_id=outputs.get("ClusterId"),
        application_id=outputs.get("ApplicationId"),
        api_key_secret=outputs.get("ApiKeySecret"),
        **{_snake(name): outputs[name] for name in _ALWAYS},
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
