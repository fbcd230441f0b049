"""When a window of the stream closes: with the event that Spark's own watermark would close it with.

A window of 60 s, a delay of 130 s, and so steps of 10 s; one file is one micro-batch.

event       09:00:05  09:03:04  09:03:09.999  09:03:10  09:00:30  | again  09:06:10
watermark   08:57:50  09:00:50  -             09:01:00  (late)    |        09:04:00
closed                                        09:00               |        09:03
"""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming.query import StreamingQuery

from jobs.window import CLOSING_TIME, closing
from tests.support.rows import base_ticks

DELAY_SECONDS, STEP_SECONDS = 130, 10
EVENTS = ("09:00:05", "09:03:04", "09:03:09.999", "09:03:10", "09:00:30")
#: Windows that have closed after each of them, from the timeline.
CLOSED = (0, 0, 0, 1, 1)


def tick(time: str, number: int) -> dict[str, Any]:
    at = datetime.fromisoformat(f"2026-01-05T{time}").replace(tzinfo=UTC)
    return {"coin_id": "a", "event_time": at, "tick_id": number, "price": 1.0}


def start(ticks: DataFrame, time: str, folder: Path) -> StreamingQuery:
    counts = ticks.groupBy(f.window(time, "60 seconds")).count().select(f.col("window.start").alias("start"), "count")
    to_file = counts.coalesce(1).writeStream.format("parquet").outputMode("append")
    return to_file.option("checkpointLocation", str(folder / "checkpoint")).start(str(folder / "counts"))


def counts_in(spark: SparkSession, folder: Path) -> list[Row]:
    counts = spark.read.schema("start timestamp, count long").parquet(str(folder / "counts"))
    return counts.select(f.date_format("start", "HH:mm").alias("start"), "count").orderBy("start").collect()


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
    stepped = closing(ticks, delay_seconds=DELAY_SECONDS, step_seconds=STEP_SECONDS)
    marked = ticks.withWatermark("event_time", f"{DELAY_SECONDS} seconds")
    folders = (tmp_path / "stepped", tmp_path / "marked")
    ours = start(stepped, CLOSING_TIME, folders[0])
    sparks = start(marked, "event_time", folders[1])
    try:
        for event, closed in zip(EVENTS, CLOSED, strict=True):
            if event != EVENTS[0]:
                arrive(event)
            for query in (ours, sparks):
                query.processAllAvailable()
            found = [counts_in(spark, folder) for folder in folders]
            assert found[0] == found[1] == [("09:00", 1)][:closed], event
        # Each move of the watermark makes one more: Spark's with all events but 09:00:30, ours not with 09:03:09.999.
        assert micro_batches(ours) == len(EVENTS) + 3
        assert micro_batches(sparks) == len(EVENTS) + 4
        # A checkpoint from before there were steps goes on where it was.
        sparks.stop()
        sparks = start(stepped, CLOSING_TIME, folders[1])
        arrive("09:06:10")
        for query in (ours, sparks):
            query.processAllAvailable()
        for folder in folders:
            assert counts_in(spark, folder) == [("09:00", 1), ("09:03", 3)]
    finally:
        ours.stop()
        sparks.stop()
