"""Rebuild: bars anew from ``ticks``, and all that follows from them."""

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.days import Step
from jobs.extent import extent_of, kept
from jobs.remake import bars_between, bars_of, on_dates
from jobs.schema import OK
from jobs.sink import BarSink, Place
from jobs.tables import newest_version, ticks_added_since
from pricestream.settings import Settings


def rebuild(windows: DataFrame, settings: Settings, sink: BarSink, *, closed_s: int = 0) -> int:
    """Compute the bars of these windows from ``ticks``, and write them.

    Args:
        windows: ``coin_id``, ``vs_currency``, ``window_start``, each once.
        settings: where the tables are, and how long a window is.
        sink: takes the bars.
        closed_s: windows that end here or before are closed, also where the sink does not know yet, epoch seconds.

    Returns:
        How many bars were rebuilt.
    """
    end = f.timestamp_seconds(f.unix_seconds("window_start") + settings.job.interval_seconds)
    with kept(windows.withColumn("window_end", end)) as extended:
        extent = extent_of(extended)
        if extent is None:
            return 0
        coins = [row["coin_id"] for row in extended.select("coin_id").distinct().collect()]
        place = Place(extent.first, extent.end, coins=coins, closed_s=closed_s)

        def make(part: Place) -> DataFrame:
            return bars_of(extended.drop("window_end"), settings, first=part.first, end=part.end)

        _rewrite(windows.sparkSession, settings, sink, make, place)
        return extent.bars


def rebuild_days(spark: SparkSession, settings: Settings, sink: BarSink, step: Step, coins: Sequence[str]) -> None:
    """Compute all bars of some days from ``ticks``, and write them.

    Args:
        spark: the session.
        settings: where the tables are.
        sink: takes the bars.
        step: the days.
        coins: only these; empty is all.
    """
    first, end = step.days.start_s, step.days.end_s
    place = Place(first, end, coins=coins, is_followed=step.is_followed)

    def make(part: Place) -> DataFrame:
        return bars_between(spark, settings, first=part.first, end=part.end, coins=coins)

    _rewrite(spark, settings, sink, make, place)


def _rewrite(
    spark: SparkSession, settings: Settings, sink: BarSink, make: Callable[[Place], DataFrame], place: Place
) -> None:
    """Write bars; and again where ``ticks`` got more of their windows while they were made, or the stream closed some.

    Whoever added those makes the bars anew as well, but these, from fewer ticks, may have been written after them.
    """
    left: Place | None = place
    while left is not None:
        version = newest_version(spark, settings.job.ticks)
        sink.rewrite(make(left), left)
        closed_since = sink.follow(left)
        left = left if _is_missed(spark, settings, sink, left, version) else closed_since


def _is_missed(spark: SparkSession, settings: Settings, sink: BarSink, place: Place, version: int) -> bool:
    """Tell whether ``ticks`` got more of a place's closed windows since this version, or any by another backfill."""
    added = ticks_added_since(spark, settings.job, version).filter(on_dates(place.first, place.end))
    # What the stream reads belongs into windows that are still open, with rare exceptions.
    is_of_closed = f.unix_seconds("event_time") < max(sink.closed_s, sink.final_s, place.closed_s)
    is_touching = (f.col("status") == OK) & (f.col("added_by").isNotNull() | is_of_closed)
    if place.coins:
        is_touching &= f.col("coin_id").isin(list(place.coins))
    return not added.filter(is_touching).isEmpty()
