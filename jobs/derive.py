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
from jobs.returns import with_returns
from jobs.revise import all_new, revise
from jobs.rollup import roll_up
from pricestream.job_settings import JobSettings


def derive(bars: DataFrame, stored: DataFrame, frames: Sequence[Frame], reach: Reach, job: JobSettings) -> DataFrame:
    """Lay new bars over the stored ones, and make anew all that depends on them.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once: base bars, or candles of any interval.
        stored: what the table holds of the windows that :func:`jobs.reach.read_spans` names.
        frames: those of the reach, that of the base first.
        reach: which windows the new bars may lie in, and which are closed.
        job: over how many bars indicators go.

    Returns:
        The rows of all windows made, and the gaps that are gone from them: columns of :data:`jobs.schema.BARS`,
        ``change`` and ``is_disputed`` (:func:`jobs.revise.revise`).
    """
    standing = _standing(stored, frames)
    rows = overlay(_open(bars), standing)
    if frames[1:]:
        rows = _with_longer(rows, stored, frames)
    return revise(_completed(rows, stored, frames, reach, job), standing, frames, closed=reach.told_to)


def derive_new(
    bars: DataFrame, stored: DataFrame, frames: Sequence[Frame], reach: Reach, job: JobSettings
) -> DataFrame:
    """Make the base bars of windows of which nothing is stored, so that there is nothing to lay over or to compare.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once, of the base interval.
        stored: what the table holds of the windows that they look back at.
        frames: that of the base interval.
        reach: see :func:`derive`.
        job: likewise.

    Returns:
        As :func:`derive`: all of them are new.
    """
    rows = _open(bars).withColumn("is_ours", f.lit(True))
    return all_new(_completed(rows, stored, frames, reach, job))


def derive_longer(stored: DataFrame, frames: Sequence[Frame], reach: Reach, job: JobSettings) -> DataFrame:
    """Make the longer windows from base bars that are stored.

    Args:
        stored: what the table holds of the windows that :func:`jobs.reach.read_spans` names.
        frames: those of :func:`jobs.reach.longer_alone`.
        reach: see :func:`derive`.
        job: likewise.

    Returns:
        As :func:`derive`.
    """
    standing = _standing(stored, frames)
    rows = _rolled_up(_beside(stored, frames), standing, frames)
    return revise(_completed(rows, stored, frames, reach, job), standing, frames, closed=reach.told_to)


def _standing(stored: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    # What is not made anew is neither laid over nor compared: of a long series it is by far the most.
    return stored.filter(span_condition(made_spans(frames)))


def _open(bars: DataFrame) -> DataFrame:
    return bars.withColumn("is_final", f.lit(False))


def _with_longer(laid: DataFrame, stored: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    """Lay the bars of longer intervals, rolled up, over those that are there."""
    is_base = f"interval = '{frames[0].interval}'"
    base = laid.filter(f"{is_base} AND NOT gap").drop("is_ours")
    if beside_spans(frames):
        base = base.unionByName(_beside(stored, frames))
    return laid.filter(is_base).union(_rolled_up(base, laid.filter(f"NOT {is_base}"), frames))


def _beside(stored: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    return stored.filter(f"NOT gap AND {span_condition(beside_spans(frames))}")


def _rolled_up(base: DataFrame, there: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    return overlay(roll_up(base, frames[1:]), there).withColumn("is_ours", f.lit(False))


def _completed(
    rows: DataFrame, stored: DataFrame, frames: Sequence[Frame], reach: Reach, job: JobSettings
) -> DataFrame:
    """Close what is closed, and add gaps and indicators."""
    lookback = job.indicators.lookback_bars
    made = rows.filter(~f.col("gap") & is_made(frames))
    closing = made.withColumn("is_final", f.expr(f"is_final OR unix_seconds(window_end) <= {reach.closed}"))
    returned = with_returns(look_back(closing, stored, frames))
    spaced = with_gaps(returned, frames, closed=reach.told_to, lookback=lookback)
    return with_indicators(spaced, frames, job.indicators)
