"""Kinesis stream: one of its own for each drill and each test, and what is put on it."""

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pricestream.tick import Tick

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


@dataclass
class Stream:
    """A stream of its own for each test."""

    client: "KinesisClient"
    endpoint: str
    name: str = field(default_factory=lambda: f"prices-{uuid.uuid4().hex[:8]}")
    sent: int = 0

    def create(self, shards: int = 1) -> None:
        """Make it."""
        self.client.create_stream(StreamName=self.name, ShardCount=shards)

    def put(self, *payloads: bytes, key: str = "k", shard: int | None = None) -> None:
        """Put records on it, on that shard where one is named.

        Raises:
            ValueError: the stand-in has refused some.
        """
        # Each shard of n has a range of hash keys; one inside it puts a record there for certain.
        explicit: dict[str, Any] = {} if shard is None else {"ExplicitHashKey": str(self._hash_key(shard))}
        for start in range(0, len(payloads), 500):
            records: list[Any] = [
                {"Data": each, "PartitionKey": key, **explicit} for each in payloads[start : start + 500]
            ]
            if self.client.put_records(StreamName=self.name, Records=records)["FailedRecordCount"]:
                raise ValueError(f"stream {self.name} has refused records")
        self.sent += len(payloads)

    def put_ticks(self, ticks: list[Tick], shard: int | None = None) -> None:
        """Put ticks on it."""
        self.put(*(tick.to_json() for tick in ticks), key="ticks", shard=shard)

    def _hash_key(self, shard: int) -> int:
        shards = self.client.list_shards(StreamName=self.name)["Shards"]
        return int(shards[shard]["HashKeyRange"]["StartingHashKey"])

    @property
    def overrides(self) -> list[str]:
        """What to lay over the settings so that they name it."""
        return [f"stream.name={self.name}", f"stream.endpoint_url={self.endpoint}"]
