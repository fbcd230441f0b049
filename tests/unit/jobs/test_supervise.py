"""The supervisor's own decisions, with queries that are made up."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobs.supervise import finish, reason_of

IN_OUR_CODE = """[STREAM_FAILED] Query [id = 1] terminated: An exception was raised by the Python Proxy. \
Return Message: Traceback (most recent call last):
  File "clientserver.py", line 617, in _call_proxy
    return_value = getattr(self.pool[obj_id], method)(*params)
  File "jobs/stream.py", line 35, in land
    append_ticks(batch, job)
pricestream.errors.StorageError: s3://lake/ticks: denied

	at py4j.Protocol.getReturnValue(Protocol.java:476)
"""

IN_SPARK = """Job aborted due to stage failure
=== Streaming Query ===
Caused by: java.lang.IllegalStateException: Gave up after 3 retries while List shards
Caused by: com.amazonaws.AmazonKinesisException: Stream prices under account 1 not found.
"""


NO_CONNECTOR = """An error occurred while calling o60.load.
: org.apache.spark.SparkClassNotFoundException: [DATA_SOURCE_NOT_FOUND] Failed to find the data source: aws-kinesis.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.dataSourceNotFoundError(QueryExecutionErrors.scala:725)
Caused by: java.lang.ClassNotFoundException: aws-kinesis.DefaultSource
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NO_CONNECTOR, "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: aws-kinesis."),
        (IN_OUR_CODE, "pricestream.errors.StorageError: s3://lake/ticks: denied"),
        (IN_SPARK, "com.amazonaws.AmazonKinesisException: Stream prices under account 1 not found."),
        ("just this", "just this"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_one_line(text: str, reason: str) -> None:
    assert reason_of(text) == reason


class Query:
    """A query that is busy for some looks."""

    def __init__(self, busy_for: int) -> None:
        self._busy: Iterator[bool] = iter([True] * busy_for)
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
