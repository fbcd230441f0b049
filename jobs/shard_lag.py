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

from jobs.checkpoint import INGEST
from jobs.progress import Progress
from jobs.storage import Store
from pricestream.aws_error import words_of
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.settings import Settings, StreamSettings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

#: By shard, the type and the value of its iterator, as a connector writes them.
Positions = Mapping[str, tuple[str, str]]

#: Where each connector writes in the checkpoint, by micro-batch and shard, how far it has read.
_COMMITTED: Final = {"qubole": f"{INGEST}/sources/0/shard-commit", "awslabs": f"{INGEST}/sources/0/shard-source"}

_AFTER: Final = "AFTER_SEQUENCE_NUMBER"
#: What an iterator can begin at. A shard that was read to its end stands at none of them.
_TYPES: Final = (_AFTER, "AT_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST")
#: Each takes two calls, and a shard gives five reads a second to all its readers.
_MAX_SHARDS: Final = 50
_SAY_AGAIN_SECONDS: Final = 600

log = logging.getLogger(__name__)


def kinesis_batch(progress: Progress) -> int | None:
    """Read the connector's own number of a micro-batch from its report; None where it does not say."""
    offset = progress["sources"][0].get("endOffset") if progress["sources"] else None
    metadata = offset.get("metadata") if isinstance(offset, dict) else None
    number = str(metadata.get("batchId")) if isinstance(metadata, dict) else ""
    return int(number) if number.isdigit() else None


class ShardLag:
    """Asks the shards of a stream. A look-up that fails is said now and then, and gives what it has."""

    def __init__(self, settings: Settings, checkpoint: Store, client: "KinesisClient | None" = None) -> None:
        """Ask the stream, through ``client`` or one that is made for it; ``checkpoint`` has the job's positions."""
        self._stream = settings.stream
        self._committed = _COMMITTED[settings.job.kinesis.connector]
        self._checkpoint = checkpoint
        self._client = client
        self._batch: int | None = None
        self._positions: Positions = {}
        self._said_at: float | None = None

    def __call__(self, batch: int | None) -> dict[str, float]:
        """Look up, by shard, how many seconds its oldest unread record has waited; 0 where all is read.

        A shard that was read to its end, or is gone, is left out, as is a stream of more than 50 shards.

        Args:
            batch: the newest micro-batch that was read, by the connector's own number; None before there is one.
        """
        lags: dict[str, float] = {}
        for shard, (kind, position) in self._positions_behind(batch).items():
            try:
                lags[shard] = self._waits(shard, kind, position)
            except (ClientError, BotoCoreError, ValueError) as error:
                self._say(f"the lag of {shard}", error)
        return lags

    def _positions_behind(self, batch: int | None) -> Positions:
        """Read where a micro-batch ended; its report has only where it began, and that is known once it is over."""
        if batch is not None and batch != self._batch:
            try:
                self._positions = self._read(f"{self._committed}/{batch}")
                self._batch = batch
            except (StorageError, ValueError, KeyError, TypeError) as error:
                self._say("how far the shards were read", error)
        return self._positions if len(self._positions) <= _MAX_SHARDS else {}

    def _read(self, folder: str) -> Positions:
        found = (parse_json(self._checkpoint.read(key) or b"") for key in self._checkpoint.list_keys(folder))
        return {
            each["shardId"]: (each["iteratorType"], str(each["iteratorPosition"]))
            for each in found
            if each["iteratorType"] in _TYPES
        }

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

    def _say(self, what: str, error: Exception) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_AGAIN_SECONDS:
            self._said_at = now
            log.warning("metrics: %s cannot be looked up for now: %s", what, words_of(error))


def _make_client(stream: StreamSettings) -> "KinesisClient":
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client("kinesis", region_name=stream.region, endpoint_url=stream.endpoint_url, config=config)
