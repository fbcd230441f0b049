"""Drain stream: both queries of the streaming job over files of JSON lines, until all their windows are published.

``drain_stream.py SETTINGS FOLDER CLOSED_S``: the files stand in for the stream, their lines for its payloads, in the
order of their names; everything behind the source is the job's own. It ends when windows are closed up to CLOSED_S
(epoch seconds). Without the supervisor nothing repairs stragglers: files must be in the order of time.
"""

import sys
import time

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

import jobs.stream
from jobs.application import open_session
from jobs.checkpoint import open_checkpoint
from jobs.settings_file import read_settings
from jobs.sink import BarSink
from jobs.stream import start_bars, start_ingest
from jobs.tables import create_tables
from pricestream.settings import Settings

_LOOK_SECONDS = 0.05


def _file_stream(spark: SparkSession, folder: str) -> DataFrame:
    """Read lines in the shape that Kinesis' connectors give."""
    lines = spark.readStream.option("maxFilesPerTrigger", 1).text(folder)
    return lines.select(
        f.col("value").cast("binary").alias("data"),
        f.lit("bench").alias("streamName"),
        f.lit("bench").alias("partitionKey"),
        # Only an audit asks for it, and to take it from the payload would parse that twice.
        f.lit("0").alias("sequenceNumber"),
        f.lit(None).cast("timestamp").alias("approximateArrivalTimestamp"),
    )


def main(config: str, folder: str, closed_s: int) -> None:
    """Run both queries until that moment is closed."""
    settings = read_settings(config, [])

    def source(spark: SparkSession, settings: Settings, *, goes_on: bool = False) -> DataFrame:
        del settings, goes_on
        return _file_stream(spark, folder)

    jobs.stream.kinesis_stream = source  # type: ignore[attr-defined]
    with open_session(settings) as spark:
        create_tables(spark, settings.job)
        checkpoint = open_checkpoint(settings)
        sink = BarSink(settings, 0)
        queries = [
            start_ingest(spark, settings, checkpoint, sink.way),
            start_bars(spark, settings, checkpoint, sink),
        ]
        while sink.closed_s < closed_s:
            for query in queries:
                if query.exception() is not None:
                    raise SystemExit(str(query.exception()))
            time.sleep(_LOOK_SECONDS)
        for query in queries:
            query.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
