"""Reread: records that ``ticks`` lacks are looked for on the stream, while it still keeps them.

Every shard is read, closed parents of splits and merges too: one of the connectors passes over what is unread
in them.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NetworkError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from jobs.audit_model import Gap
from jobs.audit_wanted import BEGINNING_MS, Span, Wanted, find_spans
from jobs.storage import error_code
from pricestream.aws_error import words_of
from pricestream.errors import StreamError
from pricestream.kinesis import TRANSIENT_CODES

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_PAGE: Final = 10_000
#: A shard answers five calls a second, and the streaming job needs some of them.
_PAUSE_SECONDS: Final = 0.4
_ATTEMPTS: Final = 12
#: How far this machine's clock may be from that of Kinesis.
_CLOCK_SKEW_MS: Final = 60_000


@dataclass(frozen=True)
class RawRecord:
    """A record as it is on the stream."""

    data: bytes
    partition_key: str
    sequence_number: str
    #: UTC.
    arrived_at: datetime


@dataclass
class Reread:
    """Looks for records on one stream."""

    client: "KinesisClient"
    stream: str
    #: Seconds since the epoch.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def split_by_retention(self, gaps: Sequence[Gap]) -> tuple[list[Gap], list[Gap]]:
        """Tell gaps whose records the stream may still have from those for which it is too late.

        Raises:
            StreamError: the stream cannot be asked.
        """
        answer = self._call(partial(self.client.describe_stream_summary, StreamName=self.stream))
        hours = answer["StreamDescriptionSummary"]["RetentionPeriodHours"]
        oldest_ms = int(self.clock() * 1000) - hours * 3_600_000
        kept: list[Gap] = []
        gone: list[Gap] = []
        for gap in gaps:
            behind_ms = gap.behind.arrived_ms
            (gone if behind_ms is not None and behind_ms < oldest_ms else kept).append(gap)
        return kept, gone

    def find(self, gaps: Sequence[Gap]) -> Iterator[RawRecord]:
        """Give the records of these gaps, each number once, as far as the stream has them.

        Raises:
            StreamError: the stream cannot be read.
        """
        wanted = Wanted(gaps)
        # What arrives from now on is not missing; without an end a busy shard would never be read to its tip.
        now_ms = int(self.clock() * 1000) + _CLOCK_SKEW_MS
        for span in find_spans(gaps, now_ms):
            for shard_id in self._shard_ids():
                for record in self._read(shard_id, span):
                    if wanted.take(record["Data"]):
                        yield _raw(record)
                    if not wanted.left:
                        return

    def _shard_ids(self) -> list[str]:
        """List all shards, open and closed, of which the stream still has records."""
        found: list[str] = []
        # Behind the first page the token alone says which stream it is.
        where: dict[str, Any] = {"StreamName": self.stream}
        while where:
            page = self._call(partial(self.client.list_shards, **where))
            found += [shard["ShardId"] for shard in page["Shards"]]
            token = page.get("NextToken")
            where = {"NextToken": token} if token else {}
        return found

    def _read(self, shard_id: str, span: Span) -> Iterator["RecordTypeDef"]:
        """Read a stretch of a shard, page by page."""
        log.info("looking through shard %s of stream %s", shard_id, self.stream)
        iterator = self._iterator(shard_id, span, None)
        last: str | None = None
        while iterator:
            page = self._page(iterator)
            if page is None:
                # Iterators live for five minutes.
                iterator = self._iterator(shard_id, span, last)
                continue
            for record in page["Records"]:
                if _arrived_ms(record) > span.end_ms:
                    return
                last = record["SequenceNumber"]
                yield record
            if self._is_past(page, span):
                return
            iterator = page.get("NextShardIterator")
            self.sleep(_PAUSE_SECONDS)

    def _is_past(self, page: "GetRecordsOutputTypeDef", span: Span) -> bool:
        # Pages may be empty in the middle of a shard; only how far they are behind the tip says where.
        behind_ms = page.get("MillisBehindLatest", 0)
        is_past = behind_ms == 0 or self.clock() * 1000 - behind_ms > span.end_ms
        return not page["Records"] and is_past

    def _page(self, iterator: str) -> "GetRecordsOutputTypeDef | None":
        """Fetch a page; None where the iterator has expired."""
        try:
            return self._call(partial(self.client.get_records, ShardIterator=iterator, Limit=_PAGE))
        except _ExpiredError:
            return None

    def _iterator(self, shard_id: str, span: Span, after: str | None) -> str | None:
        """Point behind a record, else at the beginning of a stretch."""
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
        elif span.start_ms > BEGINNING_MS:
            start = datetime.fromtimestamp(span.start_ms / 1000, UTC)
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": start}
        ask = partial(self.client.get_shard_iterator, StreamName=self.stream, ShardId=shard_id, **where)
        return self._call(ask)["ShardIterator"]

    def _call(self, ask: Callable[[], Answer]) -> Answer:
        """Ask Kinesis, patiently where it is only busy."""
        retrying = Retrying(
            retry=retry_if_exception(_is_transient),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=20),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(ask)
        except ClientError as error:
            if error_code(error) == "ExpiredIteratorException":
                raise _ExpiredError from None
            raise StreamError(f"stream {self.stream}: {words_of(error)}") from None
        except BotoCoreError as error:
            raise StreamError(f"stream {self.stream}: {words_of(error)}") from None


class _ExpiredError(Exception):
    """The iterator is too old."""


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in TRANSIENT_CODES or status >= 500
    return isinstance(error, HTTPClientError | NetworkError)


def _arrived_ms(record: "RecordTypeDef") -> int:
    return int(record["ApproximateArrivalTimestamp"].timestamp() * 1000)


def _raw(record: "RecordTypeDef") -> RawRecord:
    return RawRecord(
        data=record["Data"],
        partition_key=record["PartitionKey"],
        sequence_number=record["SequenceNumber"],
        arrived_at=record["ApproximateArrivalTimestamp"].astimezone(UTC),
    )
