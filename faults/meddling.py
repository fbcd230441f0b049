"""What a proxy does to PutRecords: entries refused, answers lost. For any drill that puts the proxy before Kinesis."""

import json
from collections import Counter
from random import Random
from threading import Lock
from typing import Final

from faults.proxy import Answer, Call, Forward, Loss

#: What Kinesis refuses entries with while it takes others of the same call.
_REFUSALS: Final = {
    "ProvisionedThroughputExceededException": "Rate exceeded for shard shardId-000000000000 in stream s",
    "InternalFailure": "Internal Service Failure",
}


class PutRecordsTrouble:
    """Refuses some entries of each call, and loses some answers; everything else is passed on."""

    def __init__(self, rng: Random, *, refused: float = 0.3, lost: float = 0.1) -> None:
        """Refuse an entry, and lose an answer, with these chances.

        A call whose entries are all refused never reaches the service, as it has nothing in it.
        """
        self._rng = rng
        self._refused = refused
        self._lost = lost
        self._lock = Lock()
        #: Of PutRecords: ``calls``, ``entries``, ``entries refused`` (not passed on, whether the answer
        #: that said so was lost or not) and ``answers lost``.
        self.counts: Counter[str] = Counter(
            {"calls": 0, "entries": 0, "entries refused": 0, "answers lost": 0},
        )

    def __call__(self, call: Call, forward: Forward) -> Answer | Loss:
        """Meddle with one call."""
        if call.operation != "PutRecords":
            return forward(call)
        request = json.loads(call.body)
        entries = request["Records"]
        with self._lock:
            refusals = [
                self._rng.choice(list(_REFUSALS)) if self._rng.random() < self._refused else "" for _ in entries
            ]
            is_lost = self._rng.random() < self._lost
            self.counts["calls"] += 1
            self.counts["entries"] += len(entries)
            self.counts["entries refused"] += sum(map(bool, refusals))
            self.counts["answers lost"] += is_lost
        taken = [entry for entry, refusal in zip(entries, refusals, strict=True) if not refusal]
        answer = Answer(200, b'{"FailedRecordCount":0,"Records":[]}', {"Content-Type": "application/x-amz-json-1.1"})
        if taken:
            body = json.dumps(request | {"Records": taken}).encode()
            answer = forward(Call(call.number, call.method, call.path, call.headers, body))
        if is_lost:
            return Loss.ANSWER
        return answer if answer.status != 200 else _with_refusals(answer, refusals)


def _with_refusals(answer: Answer, refusals: list[str]) -> Answer:
    """Put the entries that were refused back among the service's results, in their places."""
    content = json.loads(answer.body)
    results = iter(content["Records"])
    content["Records"] = [
        {"ErrorCode": refusal, "ErrorMessage": _REFUSALS[refusal]} if refusal else next(results) for refusal in refusals
    ]
    content["FailedRecordCount"] = content.get("FailedRecordCount", 0) + sum(map(bool, refusals))
    # A checksum of the body, where there is one, is that of another body now.
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "x-amz-crc32"}
    return Answer(answer.status, json.dumps(content).encode(), headers)
