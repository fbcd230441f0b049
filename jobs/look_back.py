"""Look back: of the bars that are not made anew, those that the made ones look back at, as one row for each series.

A micro-batch makes a bar or two of a coin, each of which looks back at a hundred. As rows all those would be joined,
sorted and gone over; gathered they are read and no more.
"""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from jobs.frame_columns import span_condition, window_number
from jobs.reach import Frame, behind_spans
from jobs.schema import SERIES

#: What is looked at of a bar.
_SEEN: Final = ("close", "first_tick_at", "last_tick_at", "tick_count")
#: The type of ``earlier``; ``number`` is that of the window, counted from the epoch, ``log_return`` against the bar
#: before, whatever lies between.
EARLIER: Final = (
    "array<struct<number:bigint,close:double,first_tick_at:timestamp,last_tick_at:timestamp,tick_count:bigint,"
    "log_return:double>>"
)
#: Gathered of a series: what is seen of its bars, and which window the last of them is of.
_GATHERED: Final = (
    # The number comes first, so that they are sorted by it.
    f"sort_array(collect_list(struct(number, {', '.join(_SEEN)}))) AS seen",
    "max_by(struct(window_start, window_end, date, origin), number) AS place",
)
_FIELDS: Final = ", ".join(f"bar.{name} AS {name}" for name in ("number", *_SEEN))
_RETURN: Final = "ln(bar.close / get(seen, at - 1).close) AS log_return"
_RETURNED: Final = (*SERIES, "place", f"transform(seen, (bar, at) -> struct({_FIELDS}, {_RETURN})) AS seen")
_ONE_ROW: Final = (
    *SERIES,
    "place.*",
    *(f"element_at(seen, -1).{name} AS {name}" for name in (*_SEEN, "log_return")),
    "false AS gap",
    "true AS is_final",
    "false AS is_ours",
    "slice(seen, 1, size(seen) - 1) AS earlier",
)


def look_back(bars: DataFrame, stored: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    """Add what the bars that are made look back at.

    Args:
        bars: columns of :data:`jobs.schema.BARS` and ``is_ours``, from ``made_from`` on.
        stored: columns of :data:`jobs.schema.BARS`, bars and gaps; the bars from ``context`` to ``made_from`` are used.
        frames: of all intervals.

    Returns:
        The same columns and ``earlier``, which is null; and for each series that has bars from ``context`` to
        ``made_from`` one more row: the last of them, with what is looked at of it, and in ``earlier`` those before it,
        the oldest first.
    """
    made = bars.selectExpr("*", f"CAST(NULL AS {EARLIER}) AS earlier")
    spans = behind_spans(frames)
    if not spans:
        return made
    behind = stored.filter(f"NOT gap AND {span_condition(spans)}").selectExpr("*", f"{window_number(frames)} AS number")
    gathered = behind.groupBy(*SERIES).agg(*map(f.expr, _GATHERED))
    last = gathered.selectExpr(*_RETURNED).selectExpr(*_ONE_ROW)
    return made.unionByName(last, allowMissingColumns=True)
