"""Revise: hold new bars against the stored ones. What is new, what has changed, and what follows from it."""

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from jobs.schema import BAR_KEY, BAR_STATISTICS, BARS

NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"

_COMPARED: Final = (*BAR_STATISTICS, "log_return", "is_final")


def revise(bars: DataFrame, stored: DataFrame) -> DataFrame:
    """Give bars their ``log_return`` and ``revision``, and say which of them the table lacks.

    ``log_return`` is ln(close / close of the window just before), null where that has no bar. So a
    new or changed bar also changes the bar right behind it, which is then among the result.

    Args:
        bars: new bars of one interval, columns of :data:`jobs.schema.BARS`, each key once.
        stored: what the table holds from one window before the first of them to one behind the last.

    Returns:
        ``bars`` and their stored successors: columns of :data:`jobs.schema.BARS`, and ``change``:
        new, changed or same. ``revision`` is 0 for a new bar, one up for a changed one.
    """
    linked = _link(_overlay(bars, stored))
    is_changed = ~f.struct(*_COMPARED).eqNullSafe(f.struct(*(f.col(f"old.{name}").alias(name) for name in _COMPARED)))
    change = f.when(f.col("old").isNull(), NEW).when(is_changed, CHANGED).otherwise(SAME)
    revision = f.when(f.col("change") == NEW, 0).otherwise(
        f.col("old.revision") + f.when(f.col("change") == CHANGED, 1).otherwise(0)
    )
    judged = linked.withColumn("change", change).withColumn("revision", revision)
    return judged.select(*BARS.names, "change")


def _overlay(bars: DataFrame, stored: DataFrame) -> DataFrame:
    """Lay new bars over stored ones: ``now`` is what stands, ``old`` what stood, ``is_ours`` whether it is new."""
    values = [name for name in BARS.names if name not in BAR_KEY]
    ours = bars.select(*BAR_KEY, f.struct(*values).alias("ours"))
    old = stored.select(*BAR_KEY, f.struct(*values).alias("old"))
    return ours.join(old, list(BAR_KEY), "full").select(
        *BAR_KEY,
        f.coalesce("ours", "old").alias("now"),
        "old",
        f.col("ours").isNotNull().alias("is_ours"),
    )


def _link(overlaid: DataFrame) -> DataFrame:
    """Take from the window just before what a bar needs, and keep our bars and those right behind them."""
    before = Window.partitionBy("coin_id", "vs_currency").orderBy("window_start")
    is_adjacent = f.col("end_before") == f.col("window_start")
    is_behind_ours = is_adjacent & f.col("ours_before")
    with_before = overlaid.select(
        "*",
        f.lag("now.window_end").over(before).alias("end_before"),
        f.lag("now.close").over(before).alias("close_before"),
        f.lag("is_ours").over(before).alias("ours_before"),
    )
    kept = with_before.filter(f.col("is_ours") | f.coalesce(is_behind_ours, f.lit(False)))
    return kept.select(
        *BAR_KEY,
        *(f.col(f"now.{name}") for name in BARS.names if name not in (*BAR_KEY, "log_return", "revision")),
        _log_return(is_adjacent).alias("log_return"),
        "old",
    )


def _log_return(is_adjacent: Column) -> Column:
    return f.when(is_adjacent, f.log(f.col("now.close") / f.col("close_before")))
