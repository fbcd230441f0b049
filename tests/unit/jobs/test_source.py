"""The options that each connector is given, against what its documentation names."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import boto3
import pytest
from botocore.stub import Stubber

from jobs.source import find_stream, kinesis_options
from pricestream.errors import StreamError
from pricestream.settings import Settings, StreamSettings


def settings(**kinesis: object) -> Settings:
    return Settings.model_validate({"stream": {"name": "prices", "region": "eu-west-1"}, "job": {"kinesis": kinesis}})


def test_qubole() -> None:
    source_format, options = kinesis_options(settings(connector="qubole"))
    assert source_format == "kinesis"
    assert options == {
        "streamName": "prices",
        "endpointUrl": "https://kinesis.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "startingposition": "TRIM_HORIZON",
        "failondataloss": "true",
        "awsUseInstanceProfile": "false",
        "kinesis.executor.maxFetchRecordsPerShard": "100000",
        "kinesis.executor.maxFetchTimeInMs": "10000",
        "kinesis.client.avoidEmptyBatches": "true",
        "kinesis.client.describeShardInterval": "0s",
    }


def test_awslabs() -> None:
    source_format, options = kinesis_options(settings(connector="awslabs"))
    assert source_format == "aws-kinesis"
    assert options == {
        "kinesis.streamName": "prices",
        "kinesis.endpointUrl": "https://kinesis.eu-west-1.amazonaws.com",
        "kinesis.region": "eu-west-1",
        "kinesis.consumerType": "GetRecords",
        "kinesis.startingPosition": "TRIM_HORIZON",
        "kinesis.failOnDataLoss": "true",
        "kinesis.maxFetchRecordsPerShard": "100000",
        "kinesis.maxFetchTimePerShardSec": "10",
    }


def test_a_consumer_with_a_name() -> None:
    _, options = kinesis_options(settings(connector="awslabs", consumer_type="SubscribeToShard", consumer_name="c1"))
    assert (options["kinesis.consumerType"], options["kinesis.consumerName"]) == ("SubscribeToShard", "c1")


@pytest.mark.parametrize(
    ("connector", "key"), [("qubole", "startingposition"), ("awslabs", "kinesis.startingPosition")]
)
def test_a_job_that_goes_on_begins_shards_that_are_new_to_it_at_their_beginning(connector: str, key: str) -> None:
    at_the_tip = settings(connector=connector, starting_position="LATEST")
    assert kinesis_options(at_the_tip)[1][key] == "LATEST"
    assert kinesis_options(at_the_tip, goes_on=True)[1][key] == "TRIM_HORIZON"


#: What each connector reads, in its own spelling, with what it takes; from its documentation and its source. An option
#: that is spelt otherwise is ignored without a word.
DIALECTS: dict[str, tuple[str, dict[str, str]]] = {
    "qubole": (
        "kinesis",
        {
            "streamName": r"[a-zA-Z0-9_.-]{1,128}",
            "endpointUrl": r"https?://.+",
            "region": r"[a-z0-9-]+",
            "awsAccessKeyId": r".+",
            "awsSecretKey": r".+",
            "awsUseInstanceProfile": r"true|false",
            "startingposition": r"TRIM_HORIZON|LATEST",
            "failondataloss": r"true|false",
            "kinesis.executor.maxFetchRecordsPerShard": r"[1-9]\d*",
            "kinesis.executor.maxFetchTimeInMs": r"[1-9]\d*",
            "kinesis.client.avoidEmptyBatches": r"true|false",
            "kinesis.client.describeShardInterval": r"\d+s",
        },
    ),
    "awslabs": (
        "aws-kinesis",
        {
            "kinesis.streamName": r"[a-zA-Z0-9_.-]{1,128}",
            "kinesis.endpointUrl": r"https?://.+",
            "kinesis.region": r"[a-z0-9-]+",
            "kinesis.consumerType": r"GetRecords|SubscribeToShard",
            "kinesis.consumerName": r".+",
            "kinesis.startingPosition": r"TRIM_HORIZON|LATEST",
            "kinesis.failOnDataLoss": r"true|false",
            # 10 or more.
            "kinesis.maxFetchTimePerShardSec": r"[1-9]\d+",
            "kinesis.maxFetchRecordsPerShard": r"[1-9]\d*",
            "kinesis.metadataCommitterType": r".+",
        },
    ),
}
#: Without these it does not start.
NEEDED = {
    "qubole": {"streamName", "endpointUrl"},
    "awslabs": {"kinesis.streamName", "kinesis.endpointUrl", "kinesis.region", "kinesis.consumerType"},
}


@pytest.mark.parametrize("connector", ["qubole", "awslabs"])
@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"starting_position": "LATEST", "fail_on_data_loss": False, "max_fetch_records_per_shard": 1},
        {"consumer_type": "SubscribeToShard", "consumer_name": "c1", "max_fetch_seconds_per_shard": 60},
    ],
)
def test_each_option_is_one_of_its_dialect(connector: str, goes_on: bool, more: dict[str, object]) -> None:
    name, known = DIALECTS[connector]
    source_format, options = kinesis_options(settings(connector=connector, **more), goes_on=goes_on)
    assert source_format == name
    assert not options.keys() - known.keys()
    assert not NEEDED[connector] - options.keys()
    for key, value in options.items():
        assert re.fullmatch(known[key], value), key


@pytest.mark.parametrize("connector", ["qubole", "awslabs"])
def test_no_option_carries_a_credential(connector: str) -> None:
    _, options = kinesis_options(settings(connector=connector))
    assert not [key for key in options if "secret" in key.lower() or "accesskey" in key.lower()]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ResourceNotFoundException", "stream prices does not exist in eu-west-1; create it"),
        ("AccessDeniedException", "stream prices: An error occurred (AccessDeniedException)"),
    ],
)
def test_a_stream_that_cannot_be_read_is_one_clear_line(code: str, said: str) -> None:
    client = boto3.client("kinesis", region_name="eu-west-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_stream_summary", service_error_code=code)
        with pytest.raises(StreamError, match=said.replace("(", r"\(").replace(")", r"\)")):
            find_stream(StreamSettings(name="prices", region="eu-west-1"), client)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_stream_is_the_same_wherever_it_is_looked_at_from(zone: str) -> None:
    client = boto3.client("kinesis", region_name="eu-west-1")
    created = datetime(2026, 1, 5, 9, 0, 0, 500_000, tzinfo=UTC).astimezone(ZoneInfo(zone))
    summary = {
        "StreamName": "prices",
        "StreamARN": "arn:aws:kinesis:eu-west-1:1:stream/prices",
        "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": created,
        "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary})
        found = find_stream(StreamSettings(name="prices", region="eu-west-1"), client)
    assert found == {
        "stream": "arn:aws:kinesis:eu-west-1:1:stream/prices",
        "created": "2026-01-05T09:00:00.500000+00:00",
    }


def test_an_endpoint_that_is_no_url_is_one_clear_line() -> None:
    with pytest.raises(StreamError, match="Invalid endpoint"):
        find_stream(StreamSettings(name="prices", endpoint_url="127.0.0.1:5555"))


def test_an_endpoint_that_does_not_answer_is_one_clear_line() -> None:
    with pytest.raises(StreamError, match="Could not connect to the endpoint"):
        find_stream(StreamSettings(name="prices", endpoint_url="http://127.0.0.1:9"))
