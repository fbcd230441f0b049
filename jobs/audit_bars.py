"""Bars: what the ticks make held against what is stored."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.audit_model import DIFFERS, MAX_FINDINGS, MISSING, UNFOUNDED, BarDifference
from jobs.audit_scope import Scope, ticks_at
from jobs.revise import NEW, SAME, revise
from jobs.schema import BAR_KEY, OK
from jobs.tables import read_bars
from jobs.window import base_bars, finest, window_start
from pricestream.settings import Settings


@dataclass(frozen=True)
class Bars:
    """What became of the bars."""

    differences: tuple[BarDifference, ...] = ()
    #: All of them, also those that are not listed.
    difference_count: int = 0
    #: How many are stored of the windows that were looked at.
    count: int = 0


def compare_bars(spark: SparkSession, settings: Settings, scope: Scope) -> Bars:
    """Compute the bars of closed windows from ``ticks``, and name those that are stored otherwise."""
    if scope.horizon_ms is None:
        return Bars()
    job = settings.job
    # A day more on both sides: the first bar of a day has its return against the last of the day before.
    around = scope.dates.widened()
    is_closed = around.include("date") & (f.unix_millis("window_end") <= scope.horizon_ms)
    is_judged = scope.dates.include("date")
    start = window_start("event_time", job.interval_seconds)
    accepted = ticks_at(spark, settings, scope.version).filter(around.include("date") & (f.col("status") == OK))
    ticks = finest(accepted.withColumn("window_start", start))
    made = base_bars(ticks, interval=job.base_interval, seconds=job.interval_seconds).filter(is_closed)
    stored = read_bars(spark, job).filter((f.col("interval") == job.base_interval) & is_closed)
    different = _differences(made, stored).filter(is_judged).persist()
    try:
        rows = different.orderBy("interval", *BAR_KEY).limit(MAX_FINDINGS).collect()
        listed = (
            BarDifference(row["coin_id"], row["vs_currency"], row["interval"], row["start_ms"], row["kind"])
            for row in rows
        )
        return Bars(tuple(listed), different.count(), stored.filter(is_judged).count())
    finally:
        different.unpersist()


def _differences(made: DataFrame, stored: DataFrame) -> DataFrame:
    revised = revise(made, stored)
    kind = f.when(f.col("change") == NEW, MISSING).otherwise(DIFFERS).alias("kind")
    wrong = revised.filter(f.col("change") != SAME).select("interval", "date", *BAR_KEY, kind)
    unfounded = stored.join(made, ["interval", *BAR_KEY], "left_anti").select(
        "interval", "date", *BAR_KEY, f.lit(UNFOUNDED).alias("kind")
    )
    return wrong.unionByName(unfounded).withColumn("start_ms", f.unix_millis("window_start"))
