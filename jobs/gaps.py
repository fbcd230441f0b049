"""Gaps: closed windows in which a coin had no tick get a row that says so."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from jobs.frame_columns import frame_column, window_number
from jobs.made_once import made_once
from jobs.reach import Frame
from jobs.schema import BARS, HISTORY_ORIGIN, ROW_KEY, SERIES

#: What a gap has of its own; everything else is null.
_OWN: Final = (*ROW_KEY, "window_end", "date", "gap", "tick_count", "is_final", "revision", "is_ours")
_VALUES: Final = tuple(
    name if name in _OWN else f"if(gap, NULL, {name}) AS {name}" for name in (*BARS.names, "is_ours", "earlier")
)


def with_gaps(bars: DataFrame, frames: Sequence[Frame], *, closed: int, lookback: int) -> DataFrame:
    """Add a row for each closed window without a bar, up to ``lookback`` - 1 windows behind the coin's last bar.

    Behind a point of a fetched history there are none: those lie minutes or hours apart.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, ``is_ours`` and ``earlier`` (:func:`jobs.look_back.look_back`), no
            gaps.
        frames: of all intervals; gaps are made from ``made_from`` on.
        closed: windows that end here or before are closed, epoch seconds.
        lookback: how many windows, its own included, a bar looks back at.

    Returns:
        The same columns, and ``number``: the window's, counted from the epoch.
    """
    seconds = frame_column(frames, "seconds")
    numbered = bars.withColumn("number", window_number(frames))
    following = f.lead("number").over(Window.partitionBy(*SERIES).orderBy("number"))
    with_next = numbered.withColumn("following", following)
    missing = with_next.withColumn("missing", _missing(frames, closed, lookback))
    # One row for the bar itself, which has no missing number, and one for each gap behind it.
    each = f.explode(f.concat(f.array(f.lit(None).cast("long")), f.col("missing")))
    return _rows(missing.withColumn("in_gap", each), seconds)


def _missing(frames: Sequence[Frame], closed: int, lookback: int) -> Column:
    """Give the numbers of the gaps right behind a bar."""
    seconds = frame_column(frames, "seconds")
    end = f.least(f.lit(closed).cast("long"), frame_column(frames, "changed_to"))
    first = f.greatest(f.col("number") + 1, _whole(frame_column(frames, "made_from"), seconds))
    last = f.least(f.col("following") - 1, f.col("number") + (lookback - 1), _whole(end, seconds) - 1)
    has_gaps = (f.col("origin") != HISTORY_ORIGIN) & (last >= first)
    return f.when(has_gaps, f.sequence(first, last)).otherwise(f.array().cast("array<bigint>"))


def _rows(exploded: DataFrame, seconds: Column) -> DataFrame:
    in_gap = exploded.withColumns({"gap": f.col("in_gap").isNotNull(), "number": f.coalesce("in_gap", "number")})
    at = in_gap.withColumn("window_start", f.timestamp_seconds(f.col("number") * seconds))
    own = _own() | {"window_end": f.timestamp_seconds((f.col("number") + 1) * seconds)}
    return at.withColumns(own).selectExpr(*_VALUES, "number")


@made_once
def _own() -> dict[str, Column]:
    return {
        "date": f.to_date("window_start"),
        "tick_count": f.expr("if(gap, 0L, tick_count)"),
        "is_final": f.col("gap") | f.col("is_final"),
        "is_ours": ~f.col("gap") & f.col("is_ours"),
    }


def _whole(value: Column, divisor: Column) -> Column:
    return f.floor(value / divisor).cast("long")
