"""A platform by its stack: found, whole, and what AWS refuses in one line."""

import json
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from scripts.platform.errors import PlatformError, aws_errors
from scripts.platform.stack import find_platform, platform_of

OUTPUTS = {
    "Bucket": "b",
    "Stream": "s",
    "Compute": "serverless",
    "Architecture": "arm64",
    "JobRole": "arn:aws:iam::123456789012:role/job",
    "LogGroup": "/p/logs",
    "MetricsLogGroup": "/p/metrics",
    "CommitTable": "t",
    "ProducerCluster": "c",
    "ProducerService": "p",
    "ApplicationId": "00abc",
}


def described(outputs: dict[str, str], status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"StackName": "prices", "StackStatus": status, "Outputs": listed}


def test_every_output_is_read() -> None:
    found = platform_of(described(OUTPUTS | {"ApiKeySecret": "arn:key", "Other": "x"}), "eu-west-1")
    assert (found.stack, found.region, found.bucket, found.stream) == ("prices", "eu-west-1", "b", "s")
    assert (found.compute, found.architecture, found.job_role) == ("serverless", "arm64", OUTPUTS["JobRole"])
    assert (found.log_group, found.metrics_log_group, found.commit_table) == ("/p/logs", "/p/metrics", "t")
    assert (found.producer_cluster, found.producer_service) == ("c", "p")
    assert (found.cluster_id, found.application_id, found.api_key_secret) == (None, "00abc", "arn:key")
    assert found.lake == "s3://b/lake"


@pytest.mark.parametrize("missing", [name for name in OUTPUTS if name != "ApplicationId"])
def test_a_stack_without_one_of_them_is_not_whole(missing: str) -> None:
    outputs = {name: value for name, value in OUTPUTS.items() if name != missing}
    with pytest.raises(PlatformError, match=rf"the stack prices \(ROLLBACK_COMPLETE\) does not say its {missing};"):
        platform_of(described(outputs, "ROLLBACK_COMPLETE"), "eu-west-1")


def test_one_that_was_only_begun_says_nothing() -> None:
    with pytest.raises(PlatformError, match=r"REVIEW_IN_PROGRESS.*finish it with ./scripts/deploy"):
        platform_of({"StackName": "prices", "StackStatus": "REVIEW_IN_PROGRESS"}, "eu-west-1")


def test_one_stack_is_asked_for_and_a_deleted_one_is_none(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    session = boto3.Session(region_name="us-east-1")
    client = session.client("cloudformation")
    name = f"prices-{uuid.uuid4().hex[:8]}"
    outputs = {key: {"Value": value} for key, value in OUTPUTS.items()}
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs})
    client.create_stack(StackName=name, TemplateBody=template)
    # Its name begins as the other's.
    client.create_stack(StackName=f"{name}-dev", TemplateBody=template)
    assert find_platform(session, name).stack == name
    client.delete_stack(StackName=name)
    client.delete_stack(StackName=f"{name}-dev")
    with pytest.raises(PlatformError, match=f"there is no stack {name} in us-east-1; make it with ./scripts/deploy"):
        find_platform(session, name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "no AWS credentials found; log in, or set AWS_PROFILE"),
        (PartialCredentialsError(provider="env", cred_var="x"), "no AWS credentials found"),
        (NoRegionError(), "no AWS region is set; give --region, or set AWS_DEFAULT_REGION"),
        (ProfileNotFound(profile="nobody"), "The config profile (nobody) could not be found"),
        (UnauthorizedSSOTokenError(), "the AWS session has expired; log in again"),
        (EndpointConnectionError(endpoint_url="http://x"), 'Could not connect to the endpoint URL: "http://x"'),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "t"}}, "X"), "the AWS session has expired"),
        (ClientError({"Error": {"Code": "InvalidAccessKeyId", "Message": "k"}}, "X"), "AWS does not know the access"),
        (ClientError({"Error": {"Code": "SlowDown", "Message": "x"}}, "X"), "AWS turns calls away for now (SlowDown)"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "You."}}, "Op"),
            "AWS denies Op: You (AccessDenied)",
        ),
        (ClientError({"Error": {"Code": "Odd", "Message": "So it is."}}, "Op"), "cannot try: So it is (Odd)"),
    ],
)
def test_each_error_says_what_to_do(error: Exception, said: str) -> None:
    with pytest.raises(PlatformError) as raised, aws_errors("try"):
        raise error
    assert said in str(raised.value)
    assert str(raised.value).startswith("cannot try: ")
    assert raised.value.exit_code == 7


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SignatureDoesNotMatch", "Message": "x-amz-security-token:made-up"}}, "Op"),
        CredentialRetrievalError(provider="helper", error_msg="it printed made-up"),
    ],
)
def test_no_error_repeats_a_credential(error: Exception) -> None:
    with pytest.raises(PlatformError) as raised, aws_errors("try"):
        raise error
    assert "made-up" not in str(raised.value)


def test_other_errors_are_not_taken_for_aws() -> None:
    with pytest.raises(ZeroDivisionError), aws_errors("try"):
        _ = 1 / len(Path().parts)
