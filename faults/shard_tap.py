"""Shard tap: in the way of a job's calls to Kinesis, where a moment can be seized and a shard be held back."""

import json
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from faults.proxy import Answer, Call, Forward

#: A batch asks for many records; to see whether there is anything new, the connector asks for this many.
_PEEK: Final = 1
#: How far behind its tip a shard that is held back says to be, milliseconds.
_BEHIND_MS: Final = 60_000
#: The connector asks again at once; Kinesis would let it ask five times a second.
_PAUSE_SECONDS: Final = 0.1


class ShardTap:
    """Meddles with a job's calls; :attr:`meddle` is what :class:`faults.proxy.Proxy` takes."""

    def __init__(self) -> None:
        """Let everything pass."""
        self._lock = Lock()
        self._shard_of: dict[str, str] = {}
        self._held_back: frozenset[str] = frozenset()
        self._passed_over: frozenset[str] = frozenset()
        self._moment: Callable[[Call], bool] = _never
        self._act: Callable[[], None] = lambda: None
        #: How many pages came back empty because their shard was held back.
        self.pages_withheld = 0

    def hold_back(self, shards: frozenset[str]) -> None:
        """Let the reads of these shards find nothing for now, as Kinesis does in the middle of one; others go on."""
        self._held_back = shards

    def pass_over(self, shards: frozenset[str]) -> None:
        """Let these shards end at once, whatever is unread in them: what a connector does that passes them over."""
        self._passed_over = shards

    def seize_listing(self, act: Callable[[], None]) -> None:
        """Do something, once, before the shards are listed again: the job learns of it before it reads."""
        self._seize(lambda call: call.operation == "ListShards", act)

    def seize_reading(self, shards: frozenset[str], act: Callable[[], None]) -> None:
        """Do something, once, before a batch reads one of these shards: it has listed them already."""
        self._seize(lambda call: self._shard_read_by(call) in shards and _body(call)["Limit"] != _PEEK, act)

    def meddle(self, call: Call, forward: Forward) -> Answer:
        """Decide what becomes of a call."""
        # While something is done, every other call waits too, so that nothing is read meanwhile.
        with self._lock:
            if self._moment(call):
                self._moment = _never
                self._act()
        shard = self._shard_read_by(call)
        if shard in self._passed_over:
            return _page(MillisBehindLatest=0)
        if shard in self._held_back:
            self.pages_withheld += 1
            time.sleep(_PAUSE_SECONDS)
            return _page(MillisBehindLatest=_BEHIND_MS, NextShardIterator=_body(call)["ShardIterator"])
        answer = forward(call)
        self._follow(call, answer)
        return answer

    def _seize(self, moment: Callable[[Call], bool], act: Callable[[], None]) -> None:
        with self._lock:
            self._moment, self._act = moment, act

    def _shard_read_by(self, call: Call) -> str | None:
        return self._shard_of.get(_body(call)["ShardIterator"]) if call.operation == "GetRecords" else None

    def _follow(self, call: Call, answer: Answer) -> None:
        """Remember which shard an iterator is of."""
        if answer.status != 200:
            return
        if call.operation == "GetShardIterator":
            self._shard_of[json.loads(answer.body)["ShardIterator"]] = _body(call)["ShardId"]
        elif call.operation == "GetRecords":
            following = json.loads(answer.body).get("NextShardIterator")
            shard = self._shard_read_by(call)
            if following and shard:
                self._shard_of[following] = shard


def _never(_: Call) -> bool:
    return False


def _page(**about: Any) -> Answer:
    """Give a page without records."""
    return Answer(200, json.dumps({"Records": [], **about}).encode(), {"Content-Type": "application/x-amz-json-1.1"})


def _body(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.body)
    return found
