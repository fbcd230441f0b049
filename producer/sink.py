"""Puts records on the Kinesis stream."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, a parent of its network errors
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    WaiterError,
)
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, stop_when_event_set

from coingecko.backoff import backoff
from coingecko.clock import Clock
from pricestream.aws_error import words_of
from pricestream.errors import StreamError
from pricestream.kinesis import TRANSIENT_CODES
from pricestream.settings import StreamSettings
from producer.spool import Record

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

#: Credentials that a helper, a role or a container gives could not be fetched.
FETCH_ERRORS: Final = (CredentialRetrievalError, MetadataRetrievalError)
MAX_RECORDS: Final = 500
MAX_CALL_BYTES: Final = 5 * 1024 * 1024
MAX_RECORD_BYTES: Final = 1024 * 1024

_ATTEMPTS: Final = 6
_DENIED: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a put left over, in order, and why; nothing is left when all is on the stream."""

    failed: list[Record] = field(default_factory=list)
    reason: str = ""
    #: Whether Kinesis answered at all; where it did not, trying again at once helps nobody.
    reachable: bool = True


def record_bytes(record: Record) -> int:
    """Give what a record counts for against Kinesis' limits: its data and its key."""
    return len(record.data) + len(record.partition_key.encode())


def split(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Cut records into calls that keep to Kinesis' limits.

    Raises:
        StreamError: one record alone is over the limit.
    """
    batch: list[Record] = []
    size = 0
    for record in records:
        length = record_bytes(record)
        if length > MAX_RECORD_BYTES:
            raise StreamError(f"record {record.seq} has {length} bytes, more than a Kinesis record may have")
        if batch and (len(batch) == MAX_RECORDS or size + length > MAX_CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


class KinesisSink:
    """Sends records with PutRecords and sends again only what failed."""

    def __init__(self, client: "KinesisClient", stream: StreamSettings, clock: Clock, rng: random.Random) -> None:
        """Send to ``stream`` through ``client``, whose own retries should be off; ``clock`` is the real one."""
        self._client = client
        self._stream = stream
        self._clock = clock
        self._rng = rng
        self._has_looked = False
        #: How many entries Kinesis refused so far, each as often as it did.
        self.refused = 0

    def prepare(self, *, create: bool) -> str:
        """See that the stream is there, making it where ``create`` says so; give what stands in the way for now.

        Raises:
            StreamError: the stream is missing, access to it is denied, or the first call finds no credentials.
        """
        is_first, self._has_looked = not self._has_looked, True
        try:
            self._client.describe_stream_summary(StreamName=self._stream.name)
        except (ClientError, BotoCoreError) as error:
            # At the start that is a wrong setup; later only a renewal that failed.
            if is_first and isinstance(error, FETCH_ERRORS):
                raise StreamError(words_of(error)) from None
            if not (create and _code(error) == "ResourceNotFoundException"):
                return self._explain(error)
        else:
            return ""
        try:
            self._client.create_stream(StreamName=self._stream.name, ShardCount=self._stream.shards)
        except (ClientError, BotoCoreError) as error:
            # Somebody else may have made it meanwhile.
            if _code(error) != "ResourceInUseException":
                return self._explain(error)
        try:
            waiter = self._client.get_waiter("stream_exists")
            waiter.wait(StreamName=self._stream.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        except (WaiterError, ClientError, BotoCoreError) as error:
            return f"stream {self._stream.name} is not active yet: {words_of(error)}"
        return ""

    def put(self, records: Sequence[Record], stop: Event) -> Outcome:
        """Send records in order; give back those that could not be sent for now.

        Entries that Kinesis refuses are sent again, alone, with growing pauses, which ``stop`` cuts short.

        Raises:
            StreamError: the stream is missing, access is denied, or a record is too large.
        """
        failed: list[Record] = []
        reason = ""
        for batch in split(records):
            if reason:
                failed += batch
                continue
            outcome = self._put_batch(batch, stop)
            failed += outcome.failed
            reason = outcome.reason
        return Outcome(failed, reason)

    def _put_batch(self, batch: list[Record], stop: Event) -> Outcome:
        outcome = Outcome(batch)

        def attempt() -> Outcome:
            nonlocal outcome
            outcome = self._put_once(outcome.failed)
            return outcome

        retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS) | stop_when_event_set(stop),
            wait=self._pause,
            retry=retry_if_result(lambda result: bool(result.failed) and result.reachable),
            sleep=_sleep_on(self._clock, stop),
            retry_error_callback=lambda _: outcome,
        )
        return retrying(attempt)

    def _pause(self, state: RetryCallState) -> float:
        return backoff(state.attempt_number, self._rng, base=0.1, cap=5.0)

    def _put_once(self, batch: list[Record]) -> Outcome:
        entries: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": record.data, "PartitionKey": record.partition_key} for record in batch
        ]
        try:
            answer = self._client.put_records(StreamName=self._stream.name, Records=entries)
        except (ClientError, BotoCoreError) as error:
            is_answer = isinstance(error, ClientError)
            self.refused += len(batch) if is_answer else 0
            return Outcome(batch, self._explain(error), reachable=is_answer)
        # A 200 can hide failures: only an entry without an error code is on the stream.
        results = answer["Records"]
        failed = [record for record, result in zip(batch, results, strict=True) if result.get("ErrorCode")]
        self.refused += len(failed)
        reasons = sorted({result["ErrorCode"] for result in results if result.get("ErrorCode")})
        return Outcome(failed, ", ".join(reasons))

    def _explain(self, error: ClientError | BotoCoreError) -> str:
        """Say why a call failed for now; what will not go away by itself is raised."""
        name, region = self._stream.name, self._stream.region
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            raise StreamError(
                "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or use a role "
                "(a local stand-in takes any)"
            ) from None
        if isinstance(error, FETCH_ERRORS):
            return words_of(error)
        if isinstance(error, HTTPClientError | ConnectionError):
            return f"Kinesis cannot be reached at {self._stream.endpoint_url or region}"
        code = _code(error)
        if code == "InvalidSignatureException" and _is_about_time(error):
            # It is set right sooner or later, and until then polling goes on.
            return "AWS finds this machine's clock more than 5 minutes off; set it right"
        if code == "ResourceNotFoundException":
            raise StreamError(
                f"stream {name} does not exist in {region}; create it, or set producer.create_stream to true"
            ) from None
        if code in _DENIED:
            raise StreamError(f"stream {name} in {region}: AWS denies access ({code})") from None
        if code in TRANSIENT_CODES or _status(error) >= 500:
            return code
        raise StreamError(f"stream {name} in {region}: {words_of(error)}") from None


def _is_about_time(error: Exception) -> bool:
    """Tell whether AWS refuses a signature for its age, and not for its key."""
    text = str(error)
    return "is now earlier than" in text or "is still later than" in text


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _status(error: Exception) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _sleep_on(clock: Clock, stop: Event) -> Callable[[float], None]:
    return lambda seconds: clock.sleep(seconds, stop)
