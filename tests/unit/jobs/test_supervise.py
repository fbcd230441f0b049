"""The supervisor's own decisions, with queries that are made up."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

from jobs.supervise import finish


class Query:
    """A query that is busy for some looks."""

    def __init__(self, busy_for: int) -> None:
        self._busy: Iterator[bool] = repeat(True, busy_for)
        self.isActive = True
        self.looks = 0

    @property
    def status(self) -> dict[str, Any]:
        self.looks += 1
        return {"isTriggerActive": next(self._busy, False)}

    def stop(self) -> None:
        self.isActive = False


def test_a_query_is_stopped_between_two_batches() -> None:
    query = Query(busy_for=3)
    finish(query)  # type: ignore[arg-type]
    assert not query.isActive
    assert query.looks == 4


def test_a_batch_that_never_ends_is_stopped_all_the_same() -> None:
    query = Query(busy_for=10**9)
    finish(query, patience_seconds=0.2)  # type: ignore[arg-type]
    assert not query.isActive


def test_a_query_that_has_ended_is_left_alone() -> None:
    query = Query(busy_for=1)
    query.isActive = False
    finish(query)  # type: ignore[arg-type]
    assert query.looks == 0
