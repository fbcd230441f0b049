"""Plain Spark: bars of ticks in files as anyone would write it in Spark, in the session of our jobs, and nothing else.

``plain_spark.py SETTINGS KIND INPUT OUT``: no tables, so nothing is kept of a tick, nothing survives a crash, and a
second run adds nothing to the first. What is between this and our backfill is what those take.
"""

import sys
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.application import open_session
from jobs.settings_file import read_settings

_TICK: Final = "coin_id STRING, vs_currency STRING, event_time BIGINT, event_seq BIGINT, price DOUBLE"
_MINUTE_MS: Final = 60_000
_SECOND: Final = "yyyy-MM-dd'T'HH:mm:ssX"
_MILLISECOND: Final = "yyyy-MM-dd'T'HH:mm:ss.SSSX"


def main(config: str, kind: str, source: str, out: str) -> None:
    """Read, make bars, write a tree of CSV."""
    with open_session(read_settings(config, [])) as spark:
        ticks = _read(spark, kind, source).distinct()
        files = ["interval", "date", "hour"]
        bars = _bars(ticks).repartition(*files).sortWithinPartitions(*files, "coin_id", "vs_currency", "window_start")
        bars.write.partitionBy(*files).csv(out, header=True)


def _read(spark: SparkSession, kind: str, source: str) -> DataFrame:
    if kind == "json":
        return spark.read.schema(_TICK).json(source)
    return spark.read.parquet(source).select("coin_id", "vs_currency", "event_time", "event_seq", "price")


def _bars(ticks: DataFrame) -> DataFrame:
    start = f.col("event_time") - f.pmod("event_time", f.lit(_MINUTE_MS))
    order = f.struct("event_time", "event_seq")
    bars = ticks.groupBy("coin_id", "vs_currency", start.alias("start")).agg(
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
        _text("start", _SECOND).alias("window_start"),
        _text(f.col("start") + _MINUTE_MS, _SECOND).alias("window_end"),
        *("open", "high", "low", "close", "mean", "stddev", "tick_count"),
        _text("first", _MILLISECOND).alias("first_tick_at"),
        _text("last", _MILLISECOND).alias("last_tick_at"),
        f.lit("1m").alias("interval"),
        _text("start", "yyyy-MM-dd").alias("date"),
        _text("start", "HH").alias("hour"),
    )


def _text(milliseconds: str | Column, form: str) -> Column:
    return f.date_format(f.timestamp_millis(milliseconds), form)


if __name__ == "__main__":
    main(*sys.argv[1:])
