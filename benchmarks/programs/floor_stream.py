"""Floor stream: the two queries of the streaming job with one append to a Delta table each, and nothing else.

``floor_stream.py SETTINGS OUT``: the same source, parsing, judging, watermark and windows, in the same session; no
status, no derived bars, no merge, no files. It stops as the job does, by its stop file, and then writes its bars below
OUT, for whoever compares them.
"""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.application import open_session
from jobs.parse import parse
from jobs.settings_file import read_settings
from jobs.source import kinesis_stream
from jobs.stream import closed_bars, without_heartbeats
from jobs.tables import create_tables
from jobs.validate import validate
from pricestream.settings import Settings


def main(config: str, out: str) -> None:
    """Stream until told to stop."""
    settings = read_settings(config, [])
    with open_session(settings) as spark:
        create_tables(spark, settings.job)
        queries = [_land(spark, settings), _make_bars(spark, settings)]
        status = Path(settings.job.status_file)
        status.write_text(json.dumps({"state": "running"}), encoding="utf-8")
        stop = Path(settings.job.stop_file)
        while not stop.exists() and all(query.isActive for query in queries):
            time.sleep(0.1)
        for query in queries:
            query.stop()
            # What ended it before, if anything did.
            query.awaitTermination()
        bars = without_heartbeats(spark.read.format("delta").load(settings.job.bars))
        _write(bars, Path(out))


def _land(spark: SparkSession, settings: Settings) -> StreamingQuery:
    parsed = parse(kinesis_stream(spark, settings))
    return _append(
        validate(parsed, allowed_lateness_seconds=settings.job.allowed_lateness_seconds),
        settings,
        "ingest",
        settings.job.ticks,
    )


def _make_bars(spark: SparkSession, settings: Settings) -> StreamingQuery:
    return _append(closed_bars(spark, settings.job), settings, "bars", settings.job.bars)


def _append(rows: DataFrame, settings: Settings, name: str, table: str) -> StreamingQuery:
    def write(batch: DataFrame, _: int) -> None:
        batch.write.format("delta").mode("append").save(table)

    return (
        rows.writeStream.queryName(name)
        .option("checkpointLocation", f"{settings.job.checkpoint}/{name}")
        .trigger(processingTime=f"{settings.job.trigger_seconds} seconds")
        .outputMode("append")
        .foreachBatch(write)
        .start()
    )


def _write(bars: DataFrame, out: Path) -> None:
    frame = bars.drop("date").toPandas()
    for (date, hour), part in frame.groupby(
        [frame["window_start"].dt.strftime("%Y-%m-%d"), frame["window_start"].dt.strftime("%H")]
    ):
        folder = out / "interval=1m" / f"date={date}" / f"hour={hour}"
        folder.mkdir(parents=True)
        part.to_csv(folder / "bars.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
