"""No-op Kinesis: takes every record, keeps none, and counts: what a producer can do at most, without a service."""

import json
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from faults.proxy import Answer, Call, Forward, Proxy

_SHARD: Final = "shardId-000000000000"
_TYPE: Final = {"Content-Type": "application/x-amz-json-1.1"}


@dataclass
class NoOpKinesis:
    """Answers as Kinesis does, for :class:`faults.proxy.Proxy`, which passes nothing on."""

    #: How many records came, and in how many calls.
    records: int = 0
    calls: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, call: Call, _: Forward) -> Answer:
        """Answer a call of a producer."""
        request: dict[str, Any] = json.loads(call.body or b"{}")
        if call.operation == "PutRecords":
            return self._take(len(request["Records"]), is_many=True)
        if call.operation == "PutRecord":
            return self._take(1, is_many=False)
        return _answer(
            {"StreamDescriptionSummary": {"StreamName": request.get("StreamName"), "StreamStatus": "ACTIVE"}}
        )

    def _take(self, count: int, *, is_many: bool) -> Answer:
        with self._lock:
            first = self.records
            self.records += count
            self.calls += 1
        taken = [{"SequenceNumber": str(first + each), "ShardId": _SHARD} for each in range(count)]
        return _answer({"FailedRecordCount": 0, "Records": taken} if is_many else taken[0])


def _answer(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode(), _TYPE)


def no_op_server() -> tuple[Proxy, NoOpKinesis]:
    """Make a server, to be started with ``with``, and what counts for it."""
    kinesis = NoOpKinesis()
    # What is never passed on needs no service behind it.
    return Proxy("http://127.0.0.1:9", kinesis), kinesis
