"""Plain Spark: bars of ticks in files as anyone would write it in Spark, in the session of our jobs, and nothing else.

``plain_spark.py SETTINGS KIND INPUT OUT``. KIND is parquet or json, or stream: then INPUT is a folder of JSON lines
that one query reads as a stream, until all its windows are files. There are no tables, so nothing is kept of a tick, a
file is not replaced, and a second run adds nothing to the first. What is between this and ours is what those take.
"""

import sys
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.application import open_session
from jobs.settings_file import read_settings

_TICK_KEY: Final = ("coin_id", "vs_currency", "event_time", "event_seq", "price")
_TICK: Final = "coin_id STRING, vs_currency STRING, event_time BIGINT, event_seq BIGINT, price DOUBLE"
_FILES: Final = ("interval", "date", "hour")
#: As our stream by default.
_DELAY: Final = "7 minutes"
_SECOND: Final = "yyyy-MM-dd'T'HH:mm:ssX"
_MILLISECOND: Final = "yyyy-MM-dd'T'HH:mm:ss.SSSX"


def main(config: str, kind: str, source: str, out: str) -> None:
    """Read, make bars, write a tree of CSV."""
    with open_session(read_settings(config, [])) as spark:
        if kind == "stream":
            _stream(spark, source, out)
            return
        bars = _bars(_timed(_read(spark, kind, source).distinct()))
        in_files = bars.repartition(*_FILES).sortWithinPartitions(*_FILES, "coin_id", "vs_currency", "window_start")
        in_files.write.partitionBy(*_FILES).csv(out, header=True)


def _read(spark: SparkSession, kind: str, source: str) -> DataFrame:
    if kind == "json":
        return spark.read.schema(_TICK).json(source)
    return spark.read.parquet(source).select(*_TICK_KEY)


def _stream(spark: SparkSession, source: str, out: str) -> None:
    lines = spark.readStream.schema(_TICK).option("maxFilesPerTrigger", 1).json(source)
    once = _timed(lines).withWatermark("happened", _DELAY).dropDuplicatesWithinWatermark([*_TICK_KEY])
    bars = _bars(once).filter("coin_id <> '_heartbeat'")
    into = bars.writeStream.format("csv").partitionBy(*_FILES).options(header=True, path=out)
    query = into.option("checkpointLocation", f"{out}.checkpoint").start()
    query.processAllAvailable()
    query.stop()


def _timed(ticks: DataFrame) -> DataFrame:
    return ticks.withColumn("happened", f.timestamp_millis("event_time"))


def _bars(ticks: DataFrame) -> DataFrame:
    order = f.struct("event_time", "event_seq")
    bars = ticks.groupBy("coin_id", "vs_currency", f.window("happened", "1 minute")).agg(
        f.min_by("price", order).alias("open"),
        f.max("price").alias("high"),
        f.min("price").alias("low"),
        f.max_by("price", order).alias("close"),
        f.avg("price").alias("mean"),
        f.stddev_pop("price").alias("stddev"),
        f.count("*").alias("tick_count"),
        f.min("event_time").alias("first"),
        f.max("event_time").alias("last"),
    )
    return bars.select(
        "coin_id",
        "vs_currency",
        f.date_format("window.start", _SECOND).alias("window_start"),
        f.date_format("window.end", _SECOND).alias("window_end"),
        *("open", "high", "low", "close", "mean", "stddev", "tick_count"),
        f.date_format(f.timestamp_millis("first"), _MILLISECOND).alias("first_tick_at"),
        f.date_format(f.timestamp_millis("last"), _MILLISECOND).alias("last_tick_at"),
        f.lit("1m").alias("interval"),
        f.date_format("window.start", "yyyy-MM-dd").alias("date"),
        f.date_format("window.start", "HH").alias("hour"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
