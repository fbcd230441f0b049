"""Derive: what follows from new bars. Longer intervals, gaps, indicators, and what of it the table lacks."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from jobs.frame_columns import is_made, span_condition
from jobs.gaps import with_gaps
from jobs.indicators import with_indicators
from jobs.look_back import look_back
from jobs.overlay import overlay
from jobs.reach import Frame, Reach, beside_spans, made_spans
from jobs.revise import revise
from jobs.rollup import roll_up
from pricestream.job_settings import JobSettings


def derive(
    bars: DataFrame | None, stored: DataFrame, frames: Sequence[Frame], reach: Reach, job: JobSettings
) -> DataFrame:
    """Lay new bars over the stored ones, and make anew all that depends on them.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once: base bars, or candles of any interval. None where
            they are stored already, and only longer windows are made.
        stored: what the table holds of the windows that :func:`jobs.reach.read_spans` names.
        frames: those of the reach, of all intervals or of some; that of the base first.
        reach: which windows the new bars may lie in, and which are closed.
        job: over how many bars indicators go.

    Returns:
        The rows of all windows made, of all intervals, and the gaps that are gone from them: columns of
        :data:`jobs.schema.BARS`, ``change`` and ``is_disputed`` (:func:`jobs.revise.revise`).
    """
    lookback = job.indicators.lookback_bars
    # What is not made anew is neither laid over nor compared: of a long series it is by far the most.
    standing = stored.filter(span_condition(made_spans(frames)))
    rows = _laid(bars, standing)
    if frames[1:]:
        rows = _with_longer(rows, stored, frames)
    made = rows.filter(~f.col("gap") & is_made(frames))
    closing = made.withColumn("is_final", f.expr(f"is_final OR unix_seconds(window_end) <= {reach.closed}"))
    spaced = with_gaps(look_back(closing, stored, frames), frames, closed=reach.told_to, lookback=lookback)
    return revise(with_indicators(spaced, frames, job.indicators), standing, frames, closed=reach.told_to)


def _laid(bars: DataFrame | None, standing: DataFrame) -> DataFrame:
    if bars is None:
        return standing.withColumn("is_ours", f.lit(False))
    return overlay(bars.withColumn("is_final", f.lit(False)), standing)


def _with_longer(laid: DataFrame, stored: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    """Lay the bars of longer intervals, rolled up, over those that are there."""
    is_base = f"interval = '{frames[0].interval}'"
    base = laid.filter(f"{is_base} AND NOT gap").drop("is_ours")
    if beside := beside_spans(frames):
        base = base.unionByName(stored.filter(f"NOT gap AND {span_condition(beside)}"))
    longer = overlay(roll_up(base, frames[1:]), laid.filter(f"NOT {is_base}"))
    return laid.filter(is_base).union(longer.withColumn("is_ours", f.lit(False)))
