"""When a window of the stream closes: with the event that Spark's own watermark would close it with.

A window of 60 s, a delay of 130 s, and so steps of 10 s; one file is one micro-batch.

event       09:00:05  09:03:04  09:03:09.999  09:03:10  09:00:30
watermark   08:57:50  09:00:50  -             09:01:00  (late)
closed                                        09:00
"""

from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming.query import StreamingQuery

from jobs.window import CLOSING_TIME, closing
from tests.support.rows import base_ticks

DELAY_SECONDS = 130
EVENTS = ("09:00:05", "09:03:04", "09:03:09.999", "09:03:10", "09:00:30")
#: Bars there are after each of them, from the timeline.
CLOSED = (0, 0, 0, 1, 1)


def tick(time: str, number: int) -> dict[str, Any]:
    at = datetime.fromisoformat(f"2026-01-05T{time}+00:00")
    return {"coin_id": "a", "event_time": at, "tick_id": number, "price": 1.0}


def start(ticks: DataFrame, time: str, name: str) -> StreamingQuery:
    counts = ticks.groupBy(f.window(time, "60 seconds")).count()
    return counts.coalesce(1).writeStream.format("memory").queryName(name).outputMode("append").start()


def micro_batches(query: StreamingQuery) -> int:
    return sum("addBatch" in report["durationMs"] for report in query.recentProgress)


def test_a_window_closes_with_the_same_event_and_between_them_no_micro_batch_runs_for_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    number = count()

    def arrive(time: str) -> None:
        row = base_ticks(spark, [tick(time, next(number))])
        row.coalesce(1).write.mode("append").parquet(str(tmp_path / "ticks"))

    arrive(EVENTS[0])
    schema = spark.read.parquet(str(tmp_path / "ticks")).schema
    ticks = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(tmp_path / "ticks"))
    stepped = closing(ticks, seconds=60, delay_seconds=DELAY_SECONDS)
    ours = start(stepped, CLOSING_TIME, "stepped")
    marked = ticks.withWatermark("event_time", f"{DELAY_SECONDS} seconds")
    sparks = start(marked, "event_time", "marked")
    try:
        for event, closed in zip(EVENTS, CLOSED, strict=True):
            if event != EVENTS[0]:
                arrive(event)
            for query in (ours, sparks):
                query.processAllAvailable()
            found = [spark.table(name).collect() for name in ("stepped", "marked")]
            assert found[0] == found[1], event
            assert len(found[0]) == closed, event
        assert found[0][0]["count"] == 1
        # Each move of the watermark makes one more: Spark's with all events but 09:00:30, ours not with 09:03:09.999.
        assert micro_batches(ours) == len(EVENTS) + 3
        assert micro_batches(sparks) == len(EVENTS) + 4
    finally:
        ours.stop()
        sparks.stop()


@pytest.mark.parametrize(("seconds", "delay", "step"), [(60, 420, 60), (60, 130, 10), (10, 130, 10), (300, 421, 1)])
def test_the_watermark_moves_in_what_divides_window_and_delay(
    spark: SparkSession, seconds: int, delay: int, step: int
) -> None:
    rows = base_ticks(spark, [tick("09:07:59.999", 1)])
    stepped = closing(rows, seconds=seconds, delay_seconds=delay)
    assert stepped.select(f.unix_seconds(CLOSING_TIME) % 3600).collect()[0][0] == 479 // step * step
