"""Rows of ``ticks`` as short as a test wants them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from jobs.schema import TICKS

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def row(
    seq: int | None, *, producer: str | None = "p", polled: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    """One accepted tick, the ``seq``-th minute after nine where no time is given; ``changes`` are columns."""
    at = polled or NINE + timedelta(minutes=min(seq or 0, 10_000))
    values: dict[str, Any] = dict.fromkeys(TICKS.names)
    values |= {
        "event_time": at,
        "polled_at": at,
        "status": "ok",
        "v": 1,
        "coin_id": "bitcoin",
        "vs_currency": "usd",
        "price": 1.5,
        "tick_id": seq,
        "producer_id": "p",
        "seq": seq,
        "payload": f"{producer} {seq}".encode(),
        "partition_key": "bitcoin",
        "sequence_number": f"{producer}-{seq}",
        "arrived_at": at + timedelta(seconds=2),
        "ingested_at": at + timedelta(seconds=4),
        "date": at.date(),
    }
    return values | changes


def ticks_of(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """Columns of :data:`jobs.schema.TICKS`."""
    return spark.createDataFrame([tuple(each[name] for name in TICKS.names) for each in rows], TICKS)


#: What a bar is computed from.
_BASE_TICKS = t.StructType(
    [
        TICKS[name]
        for name in (
            "coin_id",
            "vs_currency",
            "event_time",
            "event_seq",
            "tick_id",
            "price",
            "source",
            "added_by",
            "reason",
        )
    ]
)


def base_ticks(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """What :func:`jobs.window.base_bars` takes; in dollars, and as the stream reads them, where a row says nothing."""
    plain = {"vs_currency": "usd", "event_seq": None, "source": "replay", "added_by": None, "reason": None}
    values = [plain | row for row in rows]
    return spark.createDataFrame([tuple(each[name] for name in _BASE_TICKS.names) for each in values], _BASE_TICKS)
