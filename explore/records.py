"""Records: what lies on the stream, read as any consumer would."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from explore.place import Place
from pricestream.tick import HEARTBEAT_ID
from producer.cli import kinesis_client

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_AT_ONCE: Final = 10_000
_TIMES: Final = ("event_time", "polled_at")


@dataclass
class Tail:
    """Reads a stream from its beginning, and then what is new."""

    place: Place
    #: How many records to hold; the oldest go.
    keep: int = 50_000
    _client: "KinesisClient" = field(init=False)
    _iterators: dict[str, str] = field(default_factory=dict)
    _records: list[dict[str, Any]] = field(default_factory=list)
    #: The newest record as it travels.
    raw: str = ""

    def __post_init__(self) -> None:
        """Look up the shards."""
        self._client = kinesis_client(self.place.settings.stream)
        name = self.place.settings.stream.name
        for page in self._client.get_paginator("list_shards").paginate(StreamName=name):
            for shard in page["Shards"]:
                answer = self._client.get_shard_iterator(
                    StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )
                self._iterators[shard["ShardId"]] = answer["ShardIterator"]

    def read(self) -> int:
        """Read what is new. Returns how many records that was."""
        count = 0
        for shard, iterator in list(self._iterators.items()):
            answer = self._client.get_records(ShardIterator=iterator, Limit=_AT_ONCE)
            for record in answer["Records"]:
                self._take(shard, record["Data"])
            count += len(answer["Records"])
            if "NextShardIterator" in answer:
                self._iterators[shard] = answer["NextShardIterator"]
            else:
                # The shard was split or merged away.
                del self._iterators[shard]
        del self._records[: -self.keep]
        return count

    def records(self) -> pd.DataFrame:
        """Give all that was read, the clock's records too, in the order of the stream."""
        return _frame(self._records)

    def prices(self) -> pd.DataFrame:
        """Give what was read of prices."""
        return _frame([each for each in self._records if each["coin_id"] != HEARTBEAT_ID])

    def _take(self, shard: str, data: bytes) -> None:
        try:
            record = json.loads(data)
        except ValueError:
            record = None
        # What the job would turn away, the table leaves out.
        if isinstance(record, dict) and "coin_id" in record:
            self._records.append({"shard": shard, **record})
            self.raw = data.decode(errors="replace")


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(records)
    for name in _TIMES:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    return frame
