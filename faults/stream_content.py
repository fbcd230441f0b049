"""What is on a stream, and whether it is what a producer promises: every number, and each for one record."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

#: What makes a tick: coin, currency, time (epoch ms), the source's own number, price.
TickKey = tuple[str, str, int, int | None, float]


def read_stream(client: "KinesisClient", name: str) -> list[bytes]:
    """Read all records of all shards; within a shard they come in their order."""
    found: list[bytes] = []
    for shard in client.list_shards(StreamName=name)["Shards"]:
        position = client.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while records := (answer := client.get_records(ShardIterator=position, Limit=10_000))["Records"]:
            found += [record["Data"] for record in records]
            position = answer["NextShardIterator"]
    return found


@dataclass
class Content:
    """Records of one producer, or of several, by what they are."""

    records: int = 0
    #: Payloads by producer and number; more than one where a number stands for two records.
    numbers: dict[tuple[str, int], set[bytes]] = field(default_factory=dict)
    ticks: set[TickKey] = field(default_factory=set)
    #: Records that are no JSON object with a number.
    torn: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, payloads: Iterable[bytes]) -> "Content":
        """Sort out what was read."""
        content = cls()
        for payload in payloads:
            content.records += 1
            try:
                record = json.loads(payload)
                content.numbers.setdefault((record["producer_id"], record["seq"]), set()).add(payload)
            except (ValueError, KeyError, TypeError):
                content.torn.append(payload)
                continue
            if record["price"] is not None:
                content.ticks.add(tick_key(record))
        return content

    @property
    def sent_twice(self) -> int:
        """How many records are there beyond one a number."""
        return self.records - len(self.numbers) - len(self.torn)

    @property
    def conflicts(self) -> int:
        """How many numbers stand for two different records."""
        return sum(len(payloads) > 1 for payloads in self.numbers.values())

    def broken(self, producer_id: str, last_seq: int, expected: set[TickKey] | None = None) -> list[str]:
        """Say what does not hold of the numbers 1 to ``last_seq`` and of the ticks expected."""
        wanted = {(producer_id, seq) for seq in range(1, last_seq + 1)}
        lines = [
            _line(f"of {last_seq:,} numbers of {producer_id} are not on the stream", wanted - self.numbers.keys()),
            _line("numbers are on the stream that nobody gave", self.numbers.keys() - wanted),
            _line("records on the stream are torn", self.torn),
            f"{self.conflicts:,} numbers stand for two different records" if self.conflicts else "",
        ]
        if expected is not None:
            lines.append(_line("ticks of the source are not on the stream", expected - self.ticks))
            lines.append(_line("ticks on the stream are not the source's", self.ticks - expected))
        return [line for line in lines if line]


def tick_key(record: Mapping[str, Any]) -> TickKey:
    """Give what makes a record's tick."""
    return (
        record["coin_id"],
        record["vs_currency"],
        record["event_time"],
        record["event_seq"],
        record["price"],
    )


def _line(what: str, found: Iterable[object]) -> str:
    every: Sequence[object] = sorted(found, key=repr)
    return f"{len(every):,} {what}, such as {every[0]!r}" if every else ""
