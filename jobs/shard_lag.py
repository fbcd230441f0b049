"""Shard lag: how long the oldest record of each shard waits that the job has not read.

The newest arrival alone says nothing of a shard: heartbeats go to one of them, and another may be quiet for hours, or
be far behind. So the shards themselves are asked, from where the job's own positions are, for one record.
"""

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.progress import Progress
from pricestream.aws_error import words_of
from pricestream.settings import StreamSettings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

#: By shard, the type and the value of its iterator, as a connector's offset has them.
Positions = Mapping[str, tuple[str, str]]

_AFTER: Final = "AFTER_SEQUENCE_NUMBER"
#: What an iterator can begin at. A shard that was read to its end stands at none of them.
_TYPES: Final = (_AFTER, "AT_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST")
#: Each takes two calls, and a shard gives five reads a second to all its readers.
_MAX_SHARDS: Final = 50
_SAY_AGAIN_SECONDS: Final = 600

log = logging.getLogger(__name__)


def positions_of(progress: Progress) -> Positions:
    """Read how far each shard was read, by the report of a micro-batch; empty where it does not say."""
    offset = progress["sources"][0].get("endOffset") if progress["sources"] else None
    if not isinstance(offset, dict):
        return {}
    shards = {name: each for name, each in offset.items() if isinstance(each, dict) and "iteratorType" in each}
    return {
        name: (each["iteratorType"], str(each.get("iteratorPosition", "")))
        for name, each in shards.items()
        if each["iteratorType"] in _TYPES
    }


class ShardLag:
    """Asks the shards of a stream. A lookup that fails is said now and then, and gives what it has."""

    def __init__(self, stream: StreamSettings, client: "KinesisClient | None" = None) -> None:
        """Ask ``stream``, through ``client`` or one that is made for it."""
        self._stream = stream
        self._client = client
        self._said_at: float | None = None

    def __call__(self, positions: Positions) -> dict[str, float]:
        """Look up, by shard, how many seconds its oldest unread record has waited; 0 where all is read.

        A stream of more than 50 shards is left out, as is a shard that is gone.
        """
        lags: dict[str, float] = {}
        if len(positions) > _MAX_SHARDS:
            return lags
        for shard, (kind, position) in positions.items():
            try:
                lags[shard] = self._waits(shard, kind, position)
            except (ClientError, BotoCoreError, ValueError) as error:
                self._say(shard, error)
        return lags

    def _waits(self, shard: str, kind: str, position: str) -> float:
        client = self._client = self._client or _make_client(self._stream)
        where: dict[str, Any] = {"StartingSequenceNumber": position} if kind.endswith("SEQUENCE_NUMBER") else {}
        iterator = client.get_shard_iterator(
            StreamName=self._stream.name,
            ShardId=shard,
            ShardIteratorType=kind,  # type: ignore[arg-type]
            **where,
        )["ShardIterator"]
        answer = client.get_records(ShardIterator=iterator, Limit=1)
        if answer["Records"]:
            return max(0.0, time.time() - answer["Records"][0]["ApproximateArrivalTimestamp"].timestamp())
        # An answer may be empty with records still to come.
        return float(answer.get("MillisBehindLatest", 0)) / 1000

    def _say(self, shard: str, error: Exception) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_AGAIN_SECONDS:
            self._said_at = now
            log.warning("metrics: the lag of %s cannot be looked up for now: %s", shard, words_of(error))


def _make_client(stream: StreamSettings) -> "KinesisClient":
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client("kinesis", region_name=stream.region, endpoint_url=stream.endpoint_url, config=config)
