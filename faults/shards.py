"""Shards of a stream: split, merged, and records put where one of them takes them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

#: How many records a call may have.
_A_CALL: Final = 500
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Shard:
    """An open shard, and the range of hash keys that it takes, both ends included."""

    id: str
    first_key: int
    last_key: int


@dataclass
class ShardedStream:
    """A stream whose shards change."""

    client: "KinesisClient"
    name: str
    rng: Random
    #: Of every record that it took.
    sequence_numbers: list[str] = field(default_factory=list)

    def create(self, shards: int) -> None:
        """Make it, and wait until it is there."""
        self.client.create_stream(StreamName=self.name, ShardCount=shards)
        self.wait()

    def open_shards(self) -> list[Shard]:
        """List the shards that take records, in the order of their keys."""
        found = [
            Shard(
                shard["ShardId"],
                int(shard["HashKeyRange"]["StartingHashKey"]),
                int(shard["HashKeyRange"]["EndingHashKey"]),
            )
            for shard in self.client.list_shards(StreamName=self.name)["Shards"]
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        ]
        return sorted(found, key=lambda shard: shard.first_key)

    def split(self, parent: Shard) -> None:
        """Split an open shard somewhere; it is closed at once, and its children are there."""
        at = self.rng.randint(parent.first_key + 1, parent.last_key)
        self.client.split_shard(StreamName=self.name, ShardToSplit=parent.id, NewStartingHashKey=str(at))

    def merge(self, left: Shard, right: Shard) -> None:
        """Merge two open shards that lie side by side; they are closed at once, and their child is there."""
        self.client.merge_shards(StreamName=self.name, ShardToMerge=left.id, AdjacentShardToMerge=right.id)

    def put(self, payloads: Sequence[bytes], among: Sequence[Shard]) -> None:
        """Put records in this order, each somewhere in the ranges that these shards have, or had.

        Raises:
            ValueError: the stand-in has refused some.
        """
        for start in range(0, len(payloads), _A_CALL):
            records: list[PutRecordsRequestEntryTypeDef] = [
                {"Data": each, "PartitionKey": "k", "ExplicitHashKey": self._key(among)}
                for each in payloads[start : start + _A_CALL]
            ]
            answer: Any = self.client.put_records(StreamName=self.name, Records=records)
            if answer["FailedRecordCount"]:
                raise ValueError(f"stream {self.name} has refused records")
            self.sequence_numbers += [record["SequenceNumber"] for record in answer["Records"]]

    def _key(self, among: Sequence[Shard]) -> str:
        shard = self.rng.choice(among)
        return str(self.rng.randint(shard.first_key, shard.last_key))

    def wait(self) -> None:
        """Wait until the stream is active again: before that it cannot be resharded."""

        def status() -> str:
            return self.client.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamStatus"]

        while status() != "ACTIVE":
            time.sleep(_LOOK_SECONDS)
