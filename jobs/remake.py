"""Remake: the base bars of some windows, from what ``ticks`` holds of them now."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.days import utc_date
from jobs.schema import BAR_KEY, OK
from jobs.tables import read_ticks
from jobs.window import base_bars, window_start
from pricestream.settings import Settings


def bars_of(windows: DataFrame, settings: Settings, *, first: int, end: int) -> DataFrame:
    """Compute the bars of these windows.

    Args:
        windows: ``coin_id``, ``vs_currency``, ``window_start``, each once.
        settings: where the table is, and how long a window is.
        first: all of them lie in ``[first, end)``, epoch seconds.
        end: see there.

    Returns:
        Columns of :data:`jobs.schema.BARS`; there is none where ``ticks`` holds nothing.
    """
    job = settings.job
    ticks = accepted_ticks(windows.sparkSession, settings, first=first, end=end)
    start = window_start("event_time", job.interval_seconds)
    touched = ticks.withColumn("window_start", start).join(windows, list(BAR_KEY), "left_semi")
    return base_bars(touched, interval=job.base_interval, seconds=job.interval_seconds)


def bars_between(spark: SparkSession, settings: Settings, *, first: int, end: int, coins: Sequence[str]) -> DataFrame:
    """Compute all bars of windows that start in ``[first, end)``, epoch seconds.

    Args:
        spark: the session.
        settings: where the table is.
        first: a begin of a window.
        end: likewise.
        coins: only these; empty is all.

    Returns:
        Columns of :data:`jobs.schema.BARS`.
    """
    job = settings.job
    ticks = accepted_ticks(spark, settings, first=first, end=end, coins=coins)
    return base_bars(ticks, interval=job.base_interval, seconds=job.interval_seconds)


def accepted_ticks(
    spark: SparkSession, settings: Settings, *, first: int, end: int, coins: Sequence[str] = ()
) -> DataFrame:
    """Read the accepted ticks that happened in ``[first, end)``, epoch seconds, of these coins; empty is all."""
    ticks = read_ticks(spark, settings.job).filter((f.col("status") == OK) & on_dates(first, end))
    return ticks.filter(f.col("coin_id").isin(list(coins))) if coins else ticks


def on_dates(first: int, end: int) -> Column:
    """Tell which ticks happened in ``[first, end)``, epoch seconds; ``date`` prunes partitions."""
    is_on_date = f.col("date").between(utc_date(first), utc_date(end - 1))
    start, stop = (f.timestamp_seconds(f.lit(second)) for second in (first, end))
    return is_on_date & (f.col("event_time") >= start) & (f.col("event_time") < stop)


def as_ticks_have_them(bars: DataFrame, windows: DataFrame, settings: Settings) -> DataFrame:
    """Put in place of some bars what ``ticks`` makes of their windows.

    Args:
        bars: columns of :data:`jobs.schema.BARS`.
        windows: :data:`jobs.schema.BAR_KEY` of the bars to replace; a few.
        settings: where the table is.
    """
    seconds = settings.job.interval_seconds
    # They are told by what is stored, which is about to change: so they are held fast as they are.
    keys = windows.select("coin_id", "vs_currency", f.unix_seconds("window_start").alias("start_s")).collect()
    spark = bars.sparkSession
    fast = spark.createDataFrame(keys, "coin_id string, vs_currency string, start_s long").select(
        "coin_id", "vs_currency", f.timestamp_seconds("start_s").alias("window_start")
    )
    starts = [key["start_s"] for key in keys]
    others = bars.join(f.broadcast(fast), list(BAR_KEY), "left_anti")
    return others.unionByName(bars_of(f.broadcast(fast), settings, first=min(starts), end=max(starts) + seconds))
