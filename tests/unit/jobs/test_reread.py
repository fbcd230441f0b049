"""Records are fetched again from a stream that is closed in part, paged, busy, and forgets its iterators.

shard 0   closed   1 2 3        the parent, split before anybody read it
shard 1   open     4 5          its children
shard 2   open     6 7
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from jobs.audit_model import Gap, Moment
from jobs.reread import _PAUSE_SECONDS, RawRecord, Reread
from pricestream.errors import StreamError
from pricestream.tick import Tick

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

#: When the n-th record arrived: a minute each.
HOUR_MS = 3_600_000
NOW_MS = 1_767_700_800_000  # 2026-01-06T12:00:00Z
MINUTE_MS = 60_000


def arrival(seq: int) -> int:
    return NOW_MS - HOUR_MS + seq * MINUTE_MS


def payload(seq: int, producer: str = "p") -> bytes:
    return Tick("bitcoin", "usd", 1.5, 1, 1, producer, seq, "simulated").to_json()


def refused(code: str, operation: str = "GetRecords") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@dataclass
class Shard:
    """Its records by arrival: (epoch ms, data)."""

    records: list[tuple[int, bytes]]
    is_closed: bool = False


@dataclass
class FakeKinesis:
    """A stream as the real one behaves: short pages, empty ones, and answers that are refused when a test wants."""

    shards: list[Shard]
    page: int = 2
    shard_page: int = 2
    retention_hours: int = 24
    #: Errors in the order of the calls of get_records that they answer; None lets one through.
    trouble: list[Exception | None] = field(default_factory=list)
    #: Empty pages in front of the records, as of a shard that is seldom written to.
    empty_pages: int = 0
    #: Called before each page.
    before_page: Callable[[int], None] = lambda _: None
    calls: list[str] = field(default_factory=list)

    def describe_stream_summary(self, *, StreamName: str) -> Any:  # noqa: N803
        assert StreamName == "prices"
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": self.retention_hours}}

    def list_shards(self, *, StreamName: str | None = None, NextToken: str | None = None) -> Any:  # noqa: N803
        # The real one refuses a name beside a token.
        assert (StreamName is None) != (NextToken is None)
        start = int(NextToken or 0)
        end = start + self.shard_page
        more = {"NextToken": str(end)} if end < len(self.shards) else {}
        return {"Shards": [{"ShardId": str(number)} for number in range(len(self.shards))[start:end]], **more}

    def get_shard_iterator(self, *, StreamName: str, ShardId: str, ShardIteratorType: str, **where: Any) -> Any:  # noqa: N803
        assert StreamName == "prices"
        self.calls.append(f"{ShardIteratorType} {ShardId}")
        records = self.shards[int(ShardId)].records
        if ShardIteratorType == "AFTER_SEQUENCE_NUMBER":
            place = int(where["StartingSequenceNumber"].partition("-")[2]) + 1
        elif ShardIteratorType == "AT_TIMESTAMP":
            at = where["Timestamp"].timestamp() * 1000
            place = next((n for n, (arrived, _) in enumerate(records) if arrived >= at), len(records))
        else:
            place = 0
        return {"ShardIterator": f"{ShardId}:{place}:{self.empty_pages}"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> Any:  # noqa: N803
        assert Limit <= 10_000
        number, place, empty = (int(part) for part in ShardIterator.split(":"))
        self.calls.append(f"page {number}")
        self.before_page(number)
        error = self.trouble.pop(0) if self.trouble else None
        if error is not None:
            raise error
        shard = self.shards[number]
        end = place if empty else min(place + self.page, len(shard.records))
        found = [
            {
                "Data": data,
                "PartitionKey": "bitcoin",
                "SequenceNumber": f"{number}-{at}",
                "ApproximateArrivalTimestamp": datetime.fromtimestamp(arrived / 1000).astimezone(),
            }
            for at, (arrived, data) in list(enumerate(shard.records))[place:end]
        ]
        is_at_end = end == len(shard.records) and not empty
        following = f"{number}:{end}:{max(0, empty - 1)}"
        next_arrival = shard.records[end][0] if end < len(shard.records) else NOW_MS
        answer = {"Records": found, "MillisBehindLatest": 0 if is_at_end else NOW_MS - next_arrival}
        return answer if shard.is_closed and is_at_end else {**answer, "NextShardIterator": following}


def records(*numbers: int) -> list[tuple[int, bytes]]:
    return [(arrival(seq), payload(seq)) for seq in numbers]


def split() -> list[Shard]:
    return [Shard(records(1, 2, 3), is_closed=True), Shard(records(4, 5)), Shard(records(6, 7))]


def gap(first: int, last: int, producer: str = "p") -> Gap:
    before = None if first == 1 else Moment(arrival(first - 1), arrival(first - 1))
    return Gap(producer, first, last, before, Moment(arrival(last + 1), arrival(last + 1)))


def reread(fake: FakeKinesis, naps: list[float] | None = None) -> Reread:
    sleep = (naps if naps is not None else []).append
    return Reread(cast("KinesisClient", fake), "prices", clock=lambda: NOW_MS / 1000, sleep=sleep)


def numbers(found: list[RawRecord]) -> list[int]:
    return sorted(json.loads(each.data)["seq"] for each in found)


def test_a_closed_parent_is_read_as_its_children_are() -> None:
    assert numbers(list(reread(FakeKinesis(split())).find([gap(1, 7)]))) == [1, 2, 3, 4, 5, 6, 7]


def test_a_record_comes_back_as_it_is_on_the_stream() -> None:
    [found] = reread(FakeKinesis(split())).find([gap(3, 3)])
    arrived = datetime.fromtimestamp(arrival(3) / 1000, UTC)
    assert found == RawRecord(payload(3), "bitcoin", "0-2", arrived)
    assert found.arrived_at.utcoffset() == UTC.utcoffset(None)


def test_only_what_is_missing_is_given_and_each_number_once() -> None:
    shards = [Shard(records(1, 2, 3, 3, 4, 5, 5)), Shard([(arrival(3), payload(3)), (arrival(2), payload(2, "q"))])]
    assert numbers(list(reread(FakeKinesis(shards)).find([gap(3, 3), gap(5, 5)]))) == [3, 5]


def test_what_is_no_record_of_a_producer_is_passed_over() -> None:
    odd = [b"", b"\xff", b"[" * 100_000, b"null", b"[1]", b"{}", b'{"producer_id":"p","seq":true}', b'{"seq":1}']
    odd += [b'{"producer_id":["p"],"seq":1}', b'{"producer_id":"p","seq":1.0}']
    shards = [Shard([(arrival(1), data) for data in odd] + records(1))]
    assert [each.data for each in reread(FakeKinesis(shards)).find([gap(1, 1)])] == [payload(1)]


def test_reading_begins_a_little_before_a_gap_and_ends_a_little_behind_it() -> None:
    fake = FakeKinesis([Shard(records(*range(1, 40)))], page=1)
    # 20 has not come back: it is not where it must be, so all of that stretch is looked through.
    fake.shards[0].records.pop(19)
    assert list(reread(fake).find([gap(20, 20)])) == []
    # From five minutes before the record before, 19, to five minutes behind the record behind, 21.
    assert fake.calls[0] == "AT_TIMESTAMP 0"
    assert fake.calls.count("page 0") == len([*range(14, 20), *range(21, 27)]) + 1


def test_a_gap_without_a_beginning_is_looked_for_from_the_oldest_record_on() -> None:
    fake = FakeKinesis(split())
    list(reread(fake).find([gap(1, 2)]))
    assert fake.calls[0] == "TRIM_HORIZON 0"


def test_once_all_is_found_nothing_more_is_read() -> None:
    fake = FakeKinesis(split())
    assert numbers(list(reread(fake).find([gap(2, 2)]))) == [2]
    assert fake.calls == ["AT_TIMESTAMP 0", "page 0"]


def test_gaps_far_apart_are_looked_for_apart() -> None:
    fake = FakeKinesis([Shard(records(*range(1, 58)))], page=1)
    assert numbers(list(reread(fake).find([gap(50, 50), gap(10, 10)]))) == [10, 50]
    # Two stretches, each from five minutes before the record before the gap to the gap.
    assert [call for call in fake.calls if call.startswith("AT")] == ["AT_TIMESTAMP 0"] * 2
    assert fake.calls.count("page 0") < 57


def test_empty_pages_are_not_the_end() -> None:
    assert numbers(list(reread(FakeKinesis(split(), empty_pages=3)).find([gap(1, 7)]))) == [1, 2, 3, 4, 5, 6, 7]


def test_a_shard_that_is_written_to_all_the_time_is_read_to_now_and_no_further() -> None:
    shard = Shard(records(1))
    fake = FakeKinesis([shard])
    # However fast pages are asked for, there is always more.
    fake.before_page = lambda _: shard.records.extend([(NOW_MS + len(shard.records) * 30_000, payload(99))] * 3)
    unknown = Gap("p", 5, 5, Moment(None, None), Moment(None, None))
    assert list(reread(fake).find([unknown])) == []


def test_a_busy_stream_is_asked_again_with_pauses() -> None:
    naps: list[float] = []
    busy = refused("ProvisionedThroughputExceededException")
    down = EndpointConnectionError(endpoint_url="http://x")
    fake = FakeKinesis(split(), trouble=[busy, busy, down, None, refused("InternalFailure"), busy])
    assert numbers(list(reread(fake, naps).find([gap(1, 7)]))) == [1, 2, 3, 4, 5, 6, 7]
    assert len([nap for nap in naps if nap != _PAUSE_SECONDS]) == 5


def test_a_stream_that_stays_busy_is_one_clear_line() -> None:
    fake = FakeKinesis(split(), trouble=[refused("ProvisionedThroughputExceededException")] * 100)
    with pytest.raises(StreamError, match=r"stream prices: .*ProvisionedThroughputExceededException") as caught:
        list(reread(fake).find([gap(1, 7)]))
    assert "\n" not in str(caught.value)


def test_what_does_not_pass_by_itself_is_said_at_once() -> None:
    naps: list[float] = []
    fake = FakeKinesis(split(), trouble=[refused("AccessDeniedException")])
    with pytest.raises(StreamError, match="AccessDeniedException"):
        list(reread(fake, naps).find([gap(1, 7)]))
    assert naps == []


def test_an_iterator_that_has_expired_is_renewed_behind_the_last_record() -> None:
    expired = refused("ExpiredIteratorException")
    fake = FakeKinesis([Shard(records(1, 2, 3, 4))], trouble=[expired, None, expired, expired])
    assert numbers(list(reread(fake).find([gap(1, 4)]))) == [1, 2, 3, 4]
    assert [call for call in fake.calls if not call.startswith("page")] == [
        "TRIM_HORIZON 0",
        "TRIM_HORIZON 0",
        "AFTER_SEQUENCE_NUMBER 0",
        "AFTER_SEQUENCE_NUMBER 0",
    ]


def test_what_the_stream_has_forgotten_is_told_apart() -> None:
    oldest = NOW_MS - 24 * HOUR_MS
    forgotten = Gap("p", 2, 3, Moment(None, oldest - 2), Moment(None, oldest - 1))
    half = Gap("p", 5, 6, Moment(None, oldest - 2), Moment(None, oldest))
    unknown = Gap("p", 8, 9, None, Moment(None, None))
    kept, gone = reread(FakeKinesis(split())).split_by_retention([forgotten, half, unknown])
    assert (kept, gone) == ([half, unknown], [forgotten])


@mock_aws
def test_a_stream_that_was_really_split_and_merged() -> None:
    client = boto3.client("kinesis", region_name="us-east-1")
    client.create_stream(StreamName="prices", ShardCount=1)

    def put(seqs: range) -> None:
        for seq in seqs:
            client.put_record(StreamName="prices", Data=payload(seq), PartitionKey=f"key {seq}")

    def open_shards() -> list[str]:
        shards = client.list_shards(StreamName="prices")["Shards"]
        return [each["ShardId"] for each in shards if "EndingSequenceNumber" not in each["SequenceNumberRange"]]

    put(range(1, 11))
    client.split_shard(StreamName="prices", ShardToSplit=open_shards()[0], NewStartingHashKey=str(2**127))
    put(range(11, 21))
    left, right = open_shards()
    client.merge_shards(StreamName="prices", ShardToMerge=left, AdjacentShardToMerge=right)
    put(range(21, 31))
    unknown = Gap("p", 1, 30, None, Moment(None, None))
    assert numbers(list(Reread(client, "prices", sleep=lambda _: None).find([unknown]))) == list(range(1, 31))
