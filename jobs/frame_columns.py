"""Frame columns: the frame of each row's interval, and the spans that rows lie in, in terms of Spark."""

from collections.abc import Callable, Iterable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as f

from jobs.days import utc_date
from jobs.reach import Frame, Span


def of_frame(frames: Sequence[Frame], value: Callable[[Frame], int]) -> str:
    """Say in SQL what number belongs to the frame that a row's ``interval`` has; null where it has none."""
    # As SQL it is one call to Spark, and there are many of these in a micro-batch.
    cases = (f"WHEN '{frame.interval}' THEN {value(frame)}L" for frame in frames)
    return f"CASE interval {' '.join(cases)} END"


def is_made(frames: Sequence[Frame]) -> Column:
    """Tell whether a row's window is among those that may come out otherwise than they are stored.

    By its key alone: a row that is gone has nothing else.
    """
    start = "unix_seconds(window_start)"
    first, end = of_frame(frames, lambda frame: frame.made_from), of_frame(frames, lambda frame: frame.changed_to)
    return f.expr(f"{start} >= {first} AND {start} < {end}")


def window_number(frames: Sequence[Frame]) -> str:
    """Say in SQL which window a row's is, counted from the epoch in windows of its interval."""
    return f"unix_seconds(window_start) div {of_frame(frames, lambda frame: frame.seconds)}"


def span_condition(spans: Iterable[Span], *, table: str | None = None) -> str:
    """Say in SQL that a row of ``bars`` lies in one of these spans (at least one); ``date`` prunes partitions."""
    prefix = f"{table}." if table else ""
    conditions = (
        f"({prefix}interval = '{each.interval}'"
        f" AND {prefix}date BETWEEN DATE'{utc_date(each.first)}' AND DATE'{utc_date(each.end - 1)}'"
        f" AND {prefix}window_start >= timestamp_seconds({each.first})"
        f" AND {prefix}window_start < timestamp_seconds({each.end}))"
        for each in spans
    )
    return f"({' OR '.join(conditions)})"
