"""Indicators: what a bar says of the bars before it. Each looks back a stated number of windows, none ahead."""

from collections.abc import Sequence

from pyspark.sql import DataFrame

from jobs.batches import map_batches
from jobs.frame_columns import is_made
from jobs.measure import MEASURED, measuring
from jobs.reach import Frame
from pricestream.indicator_settings import IndicatorSettings


def with_indicators(rows: DataFrame, frames: Sequence[Frame], settings: IndicatorSettings) -> DataFrame:
    """Fill in :data:`jobs.schema.BAR_INDICATORS`.

    Args:
        rows: columns of :data:`jobs.schema.BARS`, ``is_ours``, ``earlier`` and ``number``
            (:func:`jobs.gaps.with_gaps`): bars and gaps, and what they look back at.
        frames: of all intervals.
        settings: over how many bars.

    Returns:
        Columns of :data:`jobs.schema.BARS` and ``is_ours``, of the windows from ``made_from`` on. ``log_return`` is
        ln(close / close of the window just before), null where that has no bar; ``anomaly`` tells whether the return
        against the bar before is an outlier (:func:`jobs.formula.robust_z`), null while that cannot be told; ``stale``
        whether the coin had no tick for ``stale_spacings`` times the mean time between its ticks, null where it has
        not had two. In a gap all but ``stale`` is null, in a bar that is not final all.
    """
    # Arrow and numpy: in a lambda of Spark each close of each run costs as much as here those of a hundred bars.
    marked = rows.withColumn("is_made", is_made(frames))
    return map_batches(marked, measuring(settings), MEASURED)
