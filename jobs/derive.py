"""Derive: what follows from new bars. Longer intervals, gaps, indicators, and what of it the table lacks."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from jobs.frame_columns import is_within
from jobs.gaps import with_gaps
from jobs.indicators import with_indicators
from jobs.overlay import overlay
from jobs.reach import Reach
from jobs.revise import revise
from jobs.rollup import roll_up
from pricestream.job_settings import JobSettings


def derive(bars: DataFrame, stored: DataFrame, reach: Reach, job: JobSettings) -> DataFrame:
    """Lay new bars over the stored ones, and make anew all that depends on them.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once: base bars, or candles of any interval.
        stored: what the table holds of the windows that :func:`jobs.reach.spans` names.
        reach: which windows the new bars may lie in, and which are closed.
        job: the intervals, and over how many bars indicators go.

    Returns:
        The rows of all windows made, of all intervals, and the gaps that are gone from them: columns of
        :data:`jobs.schema.BARS`, ``change`` and ``is_disputed`` (:func:`jobs.revise.revise`).
    """
    lookback = job.indicators.lookback_bars
    frames = reach.frames(job.all_intervals, lookback=lookback)
    laid = overlay(bars.withColumn("is_final", f.lit(False)), stored)
    is_base, is_bar = f.col("interval") == job.base_interval, ~f.col("gap")
    rows = laid
    if frames[1:]:
        rolled = roll_up(laid.filter(is_base & is_bar), frames[1:])
        longer = overlay(rolled, laid.filter(~is_base).drop("is_ours")).withColumn("is_ours", f.lit(False))
        rows = laid.filter(is_base).unionByName(longer)
    is_closed = f.unix_seconds("window_end") <= reach.closed
    read = rows.filter(is_bar & is_within(frames, "context", "changed_to"))
    closing = read.withColumn("is_final", f.col("is_final") | is_closed)
    spaced = with_gaps(closing, frames, closed=reach.told_to, lookback=lookback)
    return revise(with_indicators(spaced, frames, job.indicators), stored, frames, closed=reach.told_to)
