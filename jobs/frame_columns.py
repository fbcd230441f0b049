"""Frame columns: the frame of each row's interval, in terms of Spark."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as f

from jobs.reach import Frame


def frame_column(frames: Sequence[Frame], name: str) -> Column:
    """Give a number of the frame that a row's ``interval`` has; null where it has none."""
    return f.expr(_case(frames, name))


def is_within(frames: Sequence[Frame], first: str, end: str) -> Column:
    """Tell whether a row's ``window_start`` lies between two numbers of its frame, ``[first, end)``."""
    start = "unix_seconds(window_start)"
    return f.expr(f"{start} >= {_case(frames, first)} AND {start} < {_case(frames, end)}")


def _case(frames: Sequence[Frame], name: str) -> str:
    # As SQL it is one call to Spark, and there are many of these in a micro-batch.
    cases = (f"WHEN '{frame.interval}' THEN {getattr(frame, name)}L" for frame in frames)
    return f"CASE interval {' '.join(cases)} END"
