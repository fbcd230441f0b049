"""Log events: lines into a stream of CloudWatch Logs, by PutLogEvents within its limits."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from pricestream.outlet import Event

#: PutLogEvents' limits for a call: bytes, each event with so many more, events, and the time they span.
MAX_CALL_BYTES: Final = 1_048_576
EVENT_OVERHEAD_BYTES: Final = 26
MAX_CALL_EVENTS: Final = 10_000
MAX_SPAN_MS: Final = 24 * 3_600_000
#: The most that an event may have; AWS's pages say 256 KB in one place and more in another.
MAX_EVENT_BYTES: Final = 256 * 1024 - EVENT_OVERHEAD_BYTES


class LogsClient(Protocol):
    """What is asked of boto3's client of CloudWatch Logs."""

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> Any:  # noqa: N803 - boto3's names
        """Make a stream."""

    def put_log_events(self, *, logGroupName: str, logStreamName: str, logEvents: Any) -> Any:  # noqa: N803
        """Put events."""


class LogEvents:
    """Writes into one stream of a log group. Client and stream are made at the first write."""

    def __init__(self, make_client: Callable[[], LogsClient], group: str, stream: str) -> None:
        """Write into ``stream`` of ``group``."""
        self._make_client = make_client
        self._client: LogsClient | None = None
        self._group = group
        self._stream = stream

    def write(self, events: Sequence[Event]) -> None:
        """Write events.

        Raises:
            Exception: whatever the client raises: no such group, no right to write there, no network.
        """
        client = self._client or self._prepare()
        # Where anything fails all is made sure of again: somebody may have deleted the stream.
        self._client = None
        for call in calls(events):
            client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=call)
        self._client = client

    def _prepare(self) -> LogsClient:
        client = self._make_client()
        try:
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except Exception as error:
            # Made before, by an earlier try or by this one whose answer was lost.
            if type(error).__name__ != "ResourceAlreadyExistsException":
                raise
        return client


def stream_name(of: str, begun_ms: int) -> str:
    """Name the log stream of a run, one for each, so that the newest sorts last.

    Args:
        of: whose it is, such as ``job/prices``; what the name of a log stream may not have becomes a hyphen.
        begun_ms: when the run began, epoch ms.
    """
    moment = datetime.fromtimestamp(begun_ms / 1000, UTC)
    return f"{re.sub('[:*]', '-', of)}/{moment:%Y-%m-%dT%H-%M-%S}-{begun_ms % 1000:03d}"


def calls(events: Sequence[Event]) -> Iterator[list[Mapping[str, Any]]]:
    """Cut events into calls that keep to the limits, in the order of their times. What is too large is left out."""
    call: list[Mapping[str, Any]] = []
    size = first_ms = 0
    for time_ms, line in sorted(events, key=lambda event: event[0]):
        length = len(line.encode()) + EVENT_OVERHEAD_BYTES
        if length > MAX_EVENT_BYTES:
            continue
        is_full = size + length > MAX_CALL_BYTES or len(call) == MAX_CALL_EVENTS or time_ms - first_ms >= MAX_SPAN_MS
        if call and is_full:
            yield call
            call, size = [], 0
        first_ms = first_ms if call else time_ms
        call.append({"timestamp": time_ms, "message": line})
        size += length
    if call:
        yield call
