"""The stand-in that knows resharding does what Kinesis documents of it."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.kinesis_local import run_kinesis_local
from faults.shards import ShardedStream
from faults.stand_in import kinesis_client


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[ShardedStream]:
    with run_kinesis_local(tmp_path) as url:
        made = ShardedStream(kinesis_client(url), "prices", random.Random(1))
        made.create(1)
        yield made


def read(stream: ShardedStream, shard: str) -> tuple[list[bytes], set[str]]:
    """Read a shard to its end: its records, and the children that it names there; none while it is open."""
    iterator = stream.client.get_shard_iterator(
        StreamName=stream.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[bytes] = []
    while iterator:
        page = stream.client.get_records(ShardIterator=iterator, Limit=2)
        found += [record["Data"] for record in page["Records"]]
        iterator = page.get("NextShardIterator", "")
        if iterator and not page["Records"]:
            return found, set()
    return found, {child["ShardId"] for child in page["ChildShards"]}


def test_a_parent_is_closed_and_keeps_its_records_and_the_children_take_what_comes(stream: ShardedStream) -> None:
    (parent,) = stream.open_shards()
    before = [b"1", b"2", b"3", b"4", b"5"]
    stream.put(before, [parent])
    stream.split(parent)
    left, right = stream.open_shards()
    assert (left.first_key, left.last_key + 1, right.last_key) == (parent.first_key, right.first_key, parent.last_key)
    stream.put([b"6"], [left])
    stream.put([b"7"], [right])
    assert read(stream, parent.id) == (before, {left.id, right.id})
    assert read(stream, left.id) == ([b"6"], set())

    stream.wait()
    stream.merge(left, right)
    (merged,) = stream.open_shards()
    stream.put([b"8"], [parent])
    assert read(stream, right.id) == ([b"7"], {merged.id})
    assert read(stream, merged.id) == ([b"8"], set())
    assert len(set(stream.sequence_numbers)) == 8


def test_it_is_on_loopback_only_and_ends_with_its_block(tmp_path: Path) -> None:
    with run_kinesis_local(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        # A server that listens to the whole network answers at this address too.
        assert is_open("127.0.0.1", port)
        assert not is_open("127.0.0.2", port)
    assert not is_open("127.0.0.1", port)


def is_open(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
