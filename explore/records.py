"""Records: what lies on the stream, read as any consumer would."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from explore.front_end import watch
from explore.live_view import price_table
from explore.place import Place
from explore.producing import RunningProducer
from pricestream.tick import HEARTBEAT_ID
from producer.cli import kinesis_client

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_AT_ONCE: Final = 10_000
#: How many of the newest records a view shows.
_NEWEST: Final = 5
_SHOWN: Final = ["event_time", "polled_at", "coin_id", "vs_currency", "price", "change_24h_pct", "seq"]
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
    #: The newest record that holds a price, as it travels.
    newest: dict[str, Any] = field(default_factory=dict)

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
            if record["coin_id"] != HEARTBEAT_ID:
                self.newest = record


def watch_records(tail: Tail, producer: RunningProducer | None = None, *, seconds: float = 60) -> None:
    """Watch records go by, until the producer has ended and all is read, time is up, or the kernel is interrupted.

    Args:
        tail: reads them.
        producer: who sends them; None where that is not in this kernel.
        seconds: how long at most.
    """
    is_read = False

    def view() -> list[object]:
        nonlocal is_read
        # Asked before the reading: what was sent before the end is read behind it.
        has_ended = producer is not None and not producer.is_running
        is_read = tail.read() == 0 and has_ended
        if producer is not None:
            producer.check()
        prices = tail.prices()
        newest = prices[_SHOWN].tail(_NEWEST) if len(prices) else prices
        return [_counts(tail), price_table(prices, interval_ms=_spacing_ms(tail.place)), newest]

    watch(view, until=lambda: is_read, seconds=seconds)


def missing_numbers(records: pd.DataFrame) -> dict[str, int]:
    """Count, by producer, the numbers between its first and its last record that no record carries."""
    numbers = records.groupby("producer_id")["seq"].agg(["min", "max", "nunique"])
    return {str(name): int(row["max"] - row["min"] + 1 - row["nunique"]) for name, row in numbers.iterrows()}


def _counts(tail: Tail) -> pd.DataFrame:
    records, prices = tail.records(), tail.prices()
    row = {
        "records": len(records),
        "prices": len(prices),
        "heartbeats": len(records) - len(prices),
        "coins": prices["coin_id"].nunique() if len(prices) else 0,
        "shards": records["shard"].nunique() if len(records) else 0,
        "the market's clock": f"{records['polled_at'].max():%Y-%m-%d %H:%M:%S}" if len(records) else "",
    }
    return pd.DataFrame([row])


def _spacing_ms(place: Place) -> int:
    producer = place.settings.producer
    return round(max(producer.poll_seconds, producer.refresh_seconds) * 1000)


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(records)
    for name in _TIMES:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    return frame
