"""How long the oldest unread record of a shard waits, asked of a stand-in over the network."""

import json
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from jobs.shard_lag import ShardLag
from jobs.storage import DiskStore
from pricestream.job_settings import JobSettings, KinesisSourceSettings
from pricestream.settings import Settings, StreamSettings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_names = count(1)
BEGIN = ("TRIM_HORIZON", "")
OUT_OF_REACH = Settings(stream=StreamSettings(name="s", endpoint_url="http://127.0.0.1:9"))


@pytest.fixture
def stream(moto_url: str) -> StreamSettings:
    return StreamSettings(name=f"shards-{next(_names)}", endpoint_url=moto_url, shards=2)


@pytest.fixture
def kinesis(moto_url: str, stream: StreamSettings) -> "KinesisClient":
    client = boto3.client("kinesis", region_name="us-east-1", endpoint_url=moto_url)
    client.create_stream(StreamName=stream.name, ShardCount=stream.shards)
    return client


class Committed:
    """A checkpoint in which a connector has written how far it has read."""

    def __init__(self, folder: Path, name: str = "shard-commit") -> None:
        self.root = folder / "ingest" / "sources" / "0" / name
        self.store = DiskStore(folder)
        self.batch = -1

    def commit(self, **positions: tuple[str, str]) -> int:
        """Write as either connector does: a file a shard; names have a hyphen where a keyword has none."""
        self.batch += 1
        (self.root / str(self.batch)).mkdir(parents=True)
        for name, (kind, position) in positions.items():
            shard = name.replace("_", "-")
            text = json.dumps({"shardId": shard, "iteratorType": kind, "iteratorPosition": position})
            (self.root / str(self.batch) / shard).write_text(text)
            # Hadoop's own, beside each file on a disk.
            (self.root / str(self.batch) / f".{shard}.crc").write_text("x")
        return self.batch


@pytest.fixture
def committed(tmp_path: Path) -> Committed:
    return Committed(tmp_path)


def put(kinesis: "KinesisClient", stream: StreamSettings, key: str) -> tuple[str, str]:
    """Put a record, and give its shard and number."""
    answer = kinesis.put_record(StreamName=stream.name, Data=b"{}", PartitionKey=key)
    return answer["ShardId"], answer["SequenceNumber"]


def named(shard: str) -> str:
    return shard.replace("-", "_")


def test_what_waits_in_each_shard(kinesis: "KinesisClient", stream: StreamSettings, committed: Committed) -> None:
    first, number = put(kinesis, stream, "a")
    [second] = {each["ShardId"] for each in kinesis.list_shards(StreamName=stream.name)["Shards"]} - {first}
    lag = ShardLag(Settings(stream=stream), committed.store)
    time.sleep(0.05)
    begun = lag(committed.commit(**{named(first): BEGIN, named(second): BEGIN}))
    assert 0.05 <= begun[first] < 20
    # Nothing has come there, whatever the other one has.
    assert begun[second] == 0
    batch = committed.commit(**{named(first): ("AFTER_SEQUENCE_NUMBER", number), named(second): BEGIN})
    assert lag(batch) == {first: 0, second: 0}
    put(kinesis, stream, "a")
    time.sleep(0.05)
    # The same micro-batch, and something has come behind it.
    assert 0.05 <= lag(batch)[first] < 20


def test_the_connector_of_emr_writes_into_another_folder(
    kinesis: "KinesisClient", stream: StreamSettings, tmp_path: Path
) -> None:
    shard, _ = put(kinesis, stream, "a")
    job = JobSettings(kinesis=KinesisSourceSettings(connector="awslabs"))
    committed = Committed(tmp_path, "shard-source")
    batch = committed.commit(**{named(shard): BEGIN})
    assert set(ShardLag(Settings(stream=stream, job=job), committed.store)(batch)) == {shard}
    assert ShardLag(Settings(stream=stream), committed.store)(batch) == {}


def test_before_the_first_batch_nothing_is_asked(committed: Committed) -> None:
    assert ShardLag(OUT_OF_REACH, committed.store)(None) == {}


def test_a_shard_that_is_gone_or_over_is_left_out_and_the_first_is_said_once(
    kinesis: "KinesisClient", stream: StreamSettings, committed: Committed, caplog: pytest.LogCaptureFixture
) -> None:
    shard, _ = put(kinesis, stream, "a")
    lag = ShardLag(Settings(stream=stream), committed.store)
    over = ("SHARD_END", "")
    batch = committed.commit(shardId_000000000099=BEGIN, shardId_000000000098=over, **{named(shard): BEGIN})
    assert set(lag(batch)) == {shard}
    assert set(lag(batch)) == {shard}
    said = [each.message for each in caplog.records if each.name == "jobs.shard_lag"]
    assert len(said) == 1
    assert said[0].startswith("metrics: the lag of shardId-000000000099 cannot be looked up for now: ")


def test_a_stream_out_of_reach_is_said_and_gives_nothing(
    committed: Committed, caplog: pytest.LogCaptureFixture
) -> None:
    lag = ShardLag(OUT_OF_REACH, committed.store)
    assert lag(committed.commit(shardId_000000000000=BEGIN)) == {}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"shardId": "a"}'])
def test_a_position_that_cannot_be_read_is_said(
    committed: Committed, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    batch = committed.commit(shardId_000000000000=BEGIN)
    (committed.root / "0" / "shardId-000000000000").write_text(text)
    assert ShardLag(Settings(stream=StreamSettings(name="s")), committed.store)(batch) == {}
    [said] = [each.message for each in caplog.records]
    assert said.startswith("metrics: how far the shards were read cannot be looked up for now: ")


def test_an_empty_answer_may_have_records_behind_it(committed: Committed) -> None:
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
        lag = ShardLag(Settings(stream=StreamSettings(name="s")), committed.store, client)
        batch = committed.commit(shardId_000000000000=("AFTER_SEQUENCE_NUMBER", "7"))
        assert lag(batch) == {"shardId-000000000000": 90.0}


def test_very_many_shards_are_not_asked(committed: Committed, caplog: pytest.LogCaptureFixture) -> None:
    lag = ShardLag(OUT_OF_REACH, committed.store)
    assert lag(committed.commit(**{f"shardId_{number:012d}": BEGIN for number in range(51)})) == {}
    assert caplog.records == []
