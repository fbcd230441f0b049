"""How long the oldest unread record of a shard waits, asked of a stand-in over the network."""

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from jobs.shard_lag import Positions, ShardLag
from pricestream.settings import StreamSettings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_names = count(1)
BEGIN = ("TRIM_HORIZON", "")


@pytest.fixture
def stream(moto_url: str) -> StreamSettings:
    return StreamSettings(name=f"shards-{next(_names)}", endpoint_url=moto_url, shards=2)


@pytest.fixture
def kinesis(moto_url: str, stream: StreamSettings) -> "KinesisClient":
    client = boto3.client("kinesis", region_name="us-east-1", endpoint_url=moto_url)
    client.create_stream(StreamName=stream.name, ShardCount=stream.shards)
    return client


def put(kinesis: "KinesisClient", stream: StreamSettings, key: str) -> tuple[str, str]:
    """Put a record, and give its shard and number."""
    answer = kinesis.put_record(StreamName=stream.name, Data=b"{}", PartitionKey=key)
    return answer["ShardId"], answer["SequenceNumber"]


def test_what_waits_in_each_shard(kinesis: "KinesisClient", stream: StreamSettings) -> None:
    first, number = put(kinesis, stream, "a")
    [second] = {each["ShardId"] for each in kinesis.list_shards(StreamName=stream.name)["Shards"]} - {first}
    lag = ShardLag(stream)
    time.sleep(0.05)
    begun = lag({first: BEGIN, second: BEGIN})
    assert 0.05 <= begun[first] < 20
    # Nothing has come there, whatever the other one has.
    assert begun[second] == 0
    read = {first: ("AFTER_SEQUENCE_NUMBER", number), second: BEGIN}
    assert lag(read) == {first: 0, second: 0}
    time.sleep(0.05)
    put(kinesis, stream, "a")
    later = lag(read)
    # The oldest that waits is the one that came just now.
    assert 0 <= later[first] < begun[first] + 20
    assert later[first] > 0


def test_a_shard_that_is_gone_is_left_out_and_said_once(
    kinesis: "KinesisClient", stream: StreamSettings, caplog: pytest.LogCaptureFixture
) -> None:
    shard, _ = put(kinesis, stream, "a")
    lag = ShardLag(stream)
    positions: Positions = {"shardId-000000000099": BEGIN, shard: BEGIN}
    assert set(lag(positions)) == {shard}
    assert set(lag(positions)) == {shard}
    said = [each.message for each in caplog.records if each.name == "jobs.shard_lag"]
    assert len(said) == 1
    assert said[0].startswith("metrics: the lag of shardId-000000000099 cannot be looked up for now: ")


def test_a_stream_out_of_reach_is_said_and_gives_nothing(caplog: pytest.LogCaptureFixture) -> None:
    lag = ShardLag(StreamSettings(name="s", endpoint_url="http://127.0.0.1:9"))
    assert lag({"shardId-000000000000": BEGIN}) == {}
    assert len(caplog.records) == 1


def test_an_empty_answer_may_have_records_behind_it() -> None:
    client = boto3.client("kinesis", region_name="us-east-1")
    with Stubber(client) as stubber:
        where: dict[str, Any] = {
            "StreamName": "s",
            "ShardId": "shardId-000000000000",
            "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
            "StartingSequenceNumber": "7",
        }
        stubber.add_response("get_shard_iterator", {"ShardIterator": "i"}, where)
        answer = {"Records": [], "NextShardIterator": "j", "MillisBehindLatest": 90_000}
        stubber.add_response("get_records", answer, {"ShardIterator": "i", "Limit": 1})
        lag = ShardLag(StreamSettings(name="s"), client)
        assert lag({"shardId-000000000000": ("AFTER_SEQUENCE_NUMBER", "7")}) == {"shardId-000000000000": 90.0}


def test_very_many_shards_are_not_asked() -> None:
    lag = ShardLag(StreamSettings(name="s", endpoint_url="http://127.0.0.1:9"))
    assert lag({f"shardId-{number:012d}": BEGIN for number in range(51)}) == {}
