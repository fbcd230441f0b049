import random
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import CredentialRetrievalError, MetadataRetrievalError, NoCredentialsError
from botocore.stub import Stubber
from mypy_boto3_kinesis.client import KinesisClient

from coingecko.clock import VirtualClock
from pricestream.errors import StreamError
from pricestream.settings import StreamSettings
from producer.cli import kinesis_client
from producer.sink import KinesisSink, Outcome, split
from producer.spool import Record

STREAM = StreamSettings(name="prices")


class Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


def record(seq: int, size: int = 10, key: str = "bitcoin") -> Record:
    return Record(seq, key, b"x" * size)


def records(count: int) -> list[Record]:
    return [Record(seq, f"coin-{seq % 7}", b"data %d" % seq) for seq in range(1, count + 1)]


class Rig:
    """A sink on a client whose answers are canned."""

    def __init__(self) -> None:
        client = boto3.client("kinesis", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        self.stubber = Stubber(client)
        self.clock = VirtualClock(0)
        self.sink = KinesisSink(client, STREAM, self.clock, Highest())
        self.stop = Event()

    def expect_put(self, sent: Sequence[Record], failing: dict[int, str]) -> None:
        answers = [
            {"ErrorCode": failing[each.seq], "ErrorMessage": "no"}
            if each.seq in failing
            else {"SequenceNumber": str(each.seq), "ShardId": "shardId-000000000000"}
            for each in sent
        ]
        entries = [{"Data": each.data, "PartitionKey": each.partition_key} for each in sent]
        # The stubber's model of the answer does not allow a count of 0.
        answer = {"Records": answers, **({"FailedRecordCount": len(failing)} if failing else {})}
        self.stubber.add_response("put_records", answer, {"StreamName": "prices", "Records": entries})

    def put(self, batch: Sequence[Record]) -> Outcome:
        with self.stubber:
            outcome = self.sink.put(batch, self.stop)
        self.stubber.assert_no_pending_responses()
        return outcome


def test_calls_keep_to_the_limits() -> None:
    assert [len(batch) for batch in split(records(1_201))] == [500, 500, 201]
    mebibyte = 1024 * 1024
    largest = [record(seq, mebibyte - 7) for seq in range(1, 12)]  # the key counts: 7 bytes
    assert [len(batch) for batch in split(largest)] == [5, 5, 1]
    assert [each.seq for batch in split(largest) for each in batch] == list(range(1, 12))
    assert list(split([])) == []
    with pytest.raises(StreamError, match="record 3 has 1048577 bytes"):
        list(split([record(3, mebibyte - 6)]))


def test_only_what_failed_is_sent_again_in_order() -> None:
    rig, all_of_them = Rig(), records(5)
    slow, broken = "ProvisionedThroughputExceededException", "InternalFailure"
    rig.expect_put(all_of_them, {2: slow, 4: broken, 5: slow})
    rig.expect_put([all_of_them[1], all_of_them[3], all_of_them[4]], {4: slow})
    rig.expect_put([all_of_them[3]], {})
    assert rig.put(all_of_them) == Outcome()
    assert rig.clock.now_ms() == 100 + 200


def test_after_so_many_attempts_the_rest_is_given_back() -> None:
    rig, all_of_them = Rig(), records(502)
    first = all_of_them[:500]
    slow = "ProvisionedThroughputExceededException"
    rig.expect_put(first, {1: slow, 9: slow})
    for _ in range(5):
        rig.expect_put([first[0], first[8]], {1: slow, 9: slow})
    outcome = rig.put(all_of_them)
    # The second call is not made: it would overtake.
    assert [each.seq for each in outcome.failed] == [1, 9, 501, 502]
    assert outcome.reason == slow
    assert rig.clock.now_ms() == 100 + 200 + 400 + 800 + 1_600


def test_a_whole_call_may_fail_and_work_later() -> None:
    rig = Rig()
    rig.stubber.add_client_error("put_records", "ProvisionedThroughputExceededException", http_status_code=400)
    rig.stubber.add_client_error("put_records", "SomethingNew", http_status_code=503)
    rig.expect_put(records(2), {})
    assert rig.put(records(2)) == Outcome()


def test_a_stop_ends_the_attempts() -> None:
    rig = Rig()
    rig.stop.set()
    rig.expect_put(records(2), {1: "InternalFailure"})
    assert [each.seq for each in rig.put(records(2)).failed] == [1]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ResourceNotFoundException", "stream prices does not exist in us-east-1; create it"),
        ("AccessDeniedException", r"stream prices in us-east-1: AWS denies access \(AccessDeniedException\)"),
        ("ExpiredTokenException", "ExpiredTokenException"),
        ("ValidationException", "stream prices in us-east-1: .*ValidationException"),
    ],
)
@pytest.mark.parametrize("operation", ["put_records", "describe_stream_summary"])
def test_what_will_not_pass_is_a_clear_error(operation: str, code: str, words: str) -> None:
    rig = Rig()
    rig.stubber.add_client_error(operation, code, http_status_code=400)
    calls: dict[str, Callable[[], object]] = {
        "put_records": lambda: rig.sink.put(records(1), rig.stop),
        "describe_stream_summary": lambda: rig.sink.prepare(create=False),
    }
    with rig.stubber, pytest.raises(StreamError, match=words) as caught:
        calls[operation]()
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "message",
    [
        # As the service words it.
        "Signature expired: 20180920T174101Z is now earlier than 20180920T174505Z (20180920T175005Z - 5 min.)",
        "Signature not yet current: 20181017T093750Z is still later than 20181017T093639Z (20181017T093139Z + 5 min.)",
    ],
)
def test_a_clock_that_aws_finds_off_is_for_later(message: str) -> None:
    rig = Rig()
    for operation in ["describe_stream_summary"] + ["put_records"] * 6:
        rig.stubber.add_client_error(operation, "InvalidSignatureException", message, http_status_code=400)
    with rig.stubber:
        assert "clock" in rig.sink.prepare(create=False)
        outcome = rig.sink.put(records(1), rig.stop)
    assert ([each.seq for each in outcome.failed], "clock" in outcome.reason) == ([1], True)


def test_a_signature_that_is_wrong_is_a_clear_error() -> None:
    rig = Rig()
    words = "The request signature we calculated does not match the signature you provided."
    rig.stubber.add_client_error("put_records", "InvalidSignatureException", words, http_status_code=400)
    with rig.stubber, pytest.raises(StreamError, match="denies access"):
        rig.sink.put(records(1), rig.stop)


def test_missing_credentials_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()

    def refuse(**_: Any) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(rig.sink._client, "put_records", refuse)
    with pytest.raises(StreamError, match="AWS_ACCESS_KEY_ID"):
        rig.sink.put(records(1), rig.stop)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            CredentialRetrievalError(provider="iam-role", error_msg="secret words"),
            "AWS credentials cannot be fetched from iam-role (CredentialRetrievalError)",
        ),
        (
            MetadataRetrievalError(error_msg="secret words"),
            "AWS credentials cannot be fetched from the metadata service (MetadataRetrievalError)",
        ),
    ],
)
def test_credentials_that_cannot_be_renewed_are_for_later_but_not_at_the_start(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    rig = Rig()

    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(rig.sink._client, "put_records", refuse)
    monkeypatch.setattr(rig.sink._client, "describe_stream_summary", refuse)
    with pytest.raises(StreamError) as caught:
        rig.sink.prepare(create=False)
    assert str(caught.value) == reason
    assert rig.sink.prepare(create=False) == reason
    # Nobody answered, so trying again at once helps nobody.
    assert rig.sink.put(records(2), rig.stop) == Outcome(records(2), reason)
    assert rig.clock.now_ms() == 0


def test_a_failure_that_nobody_foresaw_is_an_error_and_not_an_endless_loop() -> None:
    rig = Rig()
    with pytest.raises(StreamError, match="Parameter validation failed"):
        rig.sink.put([Record(1, "", b"x")], rig.stop)


def test_a_stream_that_somebody_else_makes_meanwhile_is_as_good() -> None:
    rig = Rig()
    rig.stubber.add_client_error("describe_stream_summary", "ResourceNotFoundException")
    rig.stubber.add_client_error("create_stream", "ResourceInUseException")
    described = {
        "StreamName": "prices",
        "StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/prices",
        "StreamStatus": "ACTIVE",
        "Shards": [],
        "HasMoreShards": False,
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 0,
        "EnhancedMonitoring": [],
    }
    rig.stubber.add_response("describe_stream", {"StreamDescription": described})
    with rig.stubber:
        assert rig.sink.prepare(create=True) == ""


def test_too_many_streams_at_once_is_for_later_and_a_denial_is_not() -> None:
    rig = Rig()
    rig.stubber.add_client_error("describe_stream_summary", "ResourceNotFoundException")
    rig.stubber.add_client_error("create_stream", "LimitExceededException")
    rig.stubber.add_client_error("describe_stream_summary", "ResourceNotFoundException")
    rig.stubber.add_client_error("create_stream", "AccessDeniedException")
    rig.stubber.add_client_error("describe_stream_summary", "ResourceNotFoundException")
    rig.stubber.add_response("create_stream", {})
    rig.stubber.add_client_error("describe_stream", "AccessDeniedException")
    with rig.stubber:
        assert rig.sink.prepare(create=True) == "LimitExceededException"
        with pytest.raises(StreamError, match="denies"):
            rig.sink.prepare(create=True)
        assert "not active yet" in rig.sink.prepare(create=True)


# Over the network.


def read_all(client: KinesisClient, name: str) -> list[tuple[str, bytes]]:
    found = []
    for shard in client.list_shards(StreamName=name)["Shards"]:
        iterator = client.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while batch := (answer := client.get_records(ShardIterator=iterator, Limit=10_000))["Records"]:
            found += [(each["PartitionKey"], each["Data"]) for each in batch]
            iterator = answer["NextShardIterator"]
    return found


def test_the_stream_is_made_only_when_told_to(moto_url: str, kinesis: KinesisClient, stream_name: str) -> None:
    stream = StreamSettings(name=stream_name, endpoint_url=moto_url, shards=3)
    sink = KinesisSink(kinesis_client(stream), stream, VirtualClock(0), random.Random(1))
    with pytest.raises(StreamError, match=f"stream {stream_name} does not exist"):
        sink.prepare(create=False)
    assert sink.prepare(create=True) == ""
    assert sink.prepare(create=False) == ""
    assert len(kinesis.list_shards(StreamName=stream_name)["Shards"]) == 3


def test_records_arrive_as_they_are(moto_url: str, kinesis: KinesisClient, stream_name: str) -> None:
    stream = StreamSettings(name=stream_name, endpoint_url=moto_url)
    sink = KinesisSink(kinesis_client(stream), stream, VirtualClock(0), random.Random(1))
    assert sink.prepare(create=True) == ""
    sent = records(750)
    assert sink.put(sent, Event()) == Outcome()
    assert read_all(kinesis, stream_name) == [(each.partition_key, each.data) for each in sent]


def test_nobody_there_is_for_later() -> None:
    stream = StreamSettings(name="prices", endpoint_url="http://127.0.0.1:9")
    clock = VirtualClock(0)
    sink = KinesisSink(kinesis_client(stream), stream, clock, random.Random(1))
    assert sink.prepare(create=True) == "Kinesis cannot be reached at http://127.0.0.1:9"
    outcome = sink.put(records(3), Event())
    assert [each.seq for each in outcome.failed] == [1, 2, 3]
    assert clock.now_ms() == 0
