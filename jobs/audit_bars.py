"""Bars: what the ticks make, of all intervals, held against what is stored; some days at a time."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.audit_model import DIFFERS, MAX_FINDINGS, MISSING, UNFOUNDED, BarDifference
from jobs.audit_scope import Dates, Scope, ticks_at
from jobs.days import Step, steps
from jobs.derive import derive
from jobs.extent import kept
from jobs.frame_columns import span_condition
from jobs.reach import Reach, made_spans, read_spans
from jobs.revise import NEW, SAME
from jobs.schema import OK, ROW_KEY, TICKS_ORIGIN
from jobs.session import shuffled
from jobs.tables import newest_version, read_bars
from jobs.window import base_bars
from pricestream.settings import Settings


@dataclass(frozen=True)
class Bars:
    """What became of the bars."""

    differences: tuple[BarDifference, ...] = ()
    #: All of them, also those that are not listed.
    difference_count: int = 0
    #: How many are stored of the windows that were looked at.
    count: int = 0
    #: The dates whose bars are missing or differ.
    dates: frozenset[date] = frozenset()


def compare_bars(spark: SparkSession, settings: Settings, scope: Scope) -> Bars:
    """Compute the bars of closed windows from ``ticks``, and name those that are stored otherwise."""
    if scope.horizon_ms is None:
        return Bars()
    found = Bars()
    version = newest_version(spark, settings.job.bars)
    for step in steps(_rows_by_date(spark, settings, scope), rows_a_step=settings.job.backfill.ticks_per_step):
        with shuffled(spark, settings.job, step.rows):
            found = _add(found, _compare(spark, settings, scope, step, version))
    return found


def _rows_by_date(spark: SparkSession, settings: Settings, scope: Scope) -> dict[date, int]:
    """Count ticks, and the bars of days that have none."""
    ticks = ticks_at(spark, settings, scope.version).filter(scope.dates.include("date") & (f.col("status") == OK))
    bars = read_bars(spark, settings.job).filter(scope.dates.include("date"))
    return {
        row["date"]: row["count"]
        for frame in (bars, ticks)
        for row in frame.groupBy("date").count().collect()
        if scope.bars_kept_from is None or row["date"] >= scope.bars_kept_from
    }


def _compare(spark: SparkSession, settings: Settings, scope: Scope, step: Step, version: int) -> Bars:
    """Compare the bars of some days. What lies behind them is looked at with the days behind."""
    job, closed = settings.job, (scope.horizon_ms or 0) // 1000
    reach = Reach(step.days.start_s, step.days.end_s, closed, is_followed=True)
    frames = reach.frames(job.all_intervals, lookback=job.indicators.lookback_bars)
    is_in_step = Dates(step.days.first, step.days.end).include("date")
    ticks = ticks_at(spark, settings, scope.version).filter(is_in_step & (f.col("status") == OK))
    stored = read_bars(spark, job, version=version)
    # Held against the stored ones twice, and folded from their ticks once.
    with kept(base_bars(ticks, interval=job.base_interval, seconds=job.interval_seconds)) as made:
        derived = derive(made, stored.filter(span_condition(read_spans(frames))), frames, reach, job)
        kind = f.when(f.col("change") == NEW, MISSING).otherwise(DIFFERS).alias("kind")
        wrong = derived.filter(f.col("change") != SAME).select("date", *ROW_KEY, "window_end", kind)
        here = stored.filter(span_condition(made_spans(frames)))
        different = wrong.unionByName(_unfounded(made, here, settings, scope))
        is_judged = is_in_step & (f.unix_seconds("window_end") <= closed) & _has_context(settings, scope)
        with kept(different.filter(is_judged).withColumn("start_ms", f.unix_millis("window_start"))) as judged:
            rows = judged.orderBy("interval", "coin_id", "vs_currency", "window_start").limit(MAX_FINDINGS).collect()
            remade = judged.filter(f.col("kind") != UNFOUNDED).groupBy("date").count().collect()
            return Bars(
                tuple(
                    BarDifference(row["coin_id"], row["vs_currency"], row["interval"], row["start_ms"], row["kind"])
                    for row in rows
                ),
                judged.count(),
                here.filter(is_judged & ~f.col("gap")).count(),
                frozenset(row["date"] for row in remade),
            )


def _has_context(settings: Settings, scope: Scope) -> Column:
    """Tell whether all that a window looks back at is still kept."""
    if scope.bars_kept_from is None:
        return f.lit(True)
    start, end = f.unix_seconds("window_start"), f.unix_seconds("window_end")
    looked_back = (end - start) * (settings.job.indicators.lookback_bars - 1)
    return start - looked_back >= f.unix_seconds(f.lit(scope.bars_kept_from).cast("timestamp"))


def _unfounded(made: DataFrame, stored: DataFrame, settings: Settings, scope: Scope) -> DataFrame:
    """Find bars that say they are made of ticks where there are none; those of ticks that retention took are right."""
    is_of_ticks = (f.col("interval") == settings.job.base_interval) & (f.col("origin") == TICKS_ORIGIN)
    is_kept = f.lit(True) if scope.kept_from is None else f.col("date") >= f.lit(scope.kept_from)
    without = stored.filter(is_of_ticks & is_kept).join(made.select(*ROW_KEY), list(ROW_KEY), "left_anti")
    return without.select("date", *ROW_KEY, "window_end", f.lit(UNFOUNDED).alias("kind"))


def _add(one: Bars, other: Bars) -> Bars:
    return Bars(
        (one.differences + other.differences)[:MAX_FINDINGS],
        one.difference_count + other.difference_count,
        one.count + other.count,
        one.dates | other.dates,
    )
