"""Plain Spark: bars of ticks in files as anyone would write it in Spark, in the session of our jobs, and nothing else.

``plain_spark.py SETTINGS KIND INPUT OUT``. KIND is parquet or json, or stream: then INPUT is a folder of JSON lines
that one query reads as a stream, until all its windows are files. There are no tables, so nothing is kept of a tick, a
file is not replaced, and a second run adds nothing to the first. What is between this and ours is what those take.
"""

import sys
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.application import open_session
from jobs.settings_file import read_settings

_TICK_KEY: Final = ("coin_id", "vs_currency", "event_time", "event_seq", "price")
_TICK: Final = "coin_id STRING, vs_currency STRING, event_time BIGINT, event_seq BIGINT, price DOUBLE"
_FILES: Final = ("interval", "date", "hour")
_MINUTE_MS: Final = 60_000
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
        start = f.col("event_time") - f.pmod("event_time", f.lit(_MINUTE_MS))
        bars = _bars(_read(spark, kind, source).distinct(), start.alias("start_ms"))
        in_files = bars.repartition(*_FILES).sortWithinPartitions(*_FILES, "coin_id", "vs_currency", "window_start")
        in_files.write.partitionBy(*_FILES).csv(out, header=True)


def _read(spark: SparkSession, kind: str, source: str) -> DataFrame:
    if kind == "json":
        return spark.read.schema(_TICK).json(source)
    return spark.read.parquet(source).select(*_TICK_KEY)


def _stream(spark: SparkSession, source: str, out: str) -> None:
    lines = spark.readStream.schema(_TICK).option("maxFilesPerTrigger", 1).json(source)
    timed = lines.withColumn("happened", f.timestamp_millis("event_time")).withWatermark("happened", _DELAY)
    once = timed.dropDuplicatesWithinWatermark([*_TICK_KEY])
    bars = _bars(once, f.window("happened", "1 minute").alias("window")).filter("coin_id <> '_heartbeat'")
    into = bars.writeStream.format("csv").partitionBy(*_FILES).options(header=True, path=out)
    query = into.option("checkpointLocation", f"{out}.checkpoint").start()
    query.processAllAvailable()
    query.stop()


def _bars(ticks: DataFrame, window: Column) -> DataFrame:
    """Fold ticks by a window, which is Spark's own or a column ``start_ms``."""
    order = f.struct("event_time", "event_seq")
    bars = ticks.groupBy("coin_id", "vs_currency", window).agg(
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
    start = f.col("start_ms") if "start_ms" in bars.columns else f.unix_millis("window.start")
    return bars.select(
        "coin_id",
        "vs_currency",
        _text(start, _SECOND).alias("window_start"),
        _text(start + _MINUTE_MS, _SECOND).alias("window_end"),
        *("open", "high", "low", "close", "mean", "stddev", "tick_count"),
        _text("first", _MILLISECOND).alias("first_tick_at"),
        _text("last", _MILLISECOND).alias("last_tick_at"),
        f.lit("1m").alias("interval"),
        _text(start, "yyyy-MM-dd").alias("date"),
        _text(start, "HH").alias("hour"),
    )


def _text(milliseconds: str | Column, form: str) -> Column:
    return f.date_format(f.timestamp_millis(milliseconds), form)


if __name__ == "__main__":
    main(*sys.argv[1:])
