"""Gaps: closed windows in which a coin had no tick get a row that says so."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import DataFrame

from jobs.frame_columns import of_frame, window_number
from jobs.reach import Frame
from jobs.schema import BARS, HISTORY_ORIGIN, IN_ORDER, SERIES

#: Which window a row is of, where ``in_gap`` is the number of a gap, and null in the row of the bar itself.
_NUMBER: Final = "coalesce(in_gap, number)"
#: What a gap has of its own, but for its window; everything else is null.
_OWN: Final = {
    **{name: name for name in (*SERIES, "revision")},
    "gap": "in_gap IS NOT NULL",
    "tick_count": "IF(in_gap IS NULL, tick_count, 0L)",
    "is_final": "in_gap IS NOT NULL OR is_final",
    "is_ours": "in_gap IS NULL AND is_ours",
}


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
        The same columns, and ``number``: the window's, counted from the epoch. A series lies in one partition, its rows
        next to each other and the oldest first.
    """
    number = window_number(frames)
    following = f"lead({number}) OVER {IN_ORDER} AS following"
    numbered = bars.selectExpr("*", f"{number} AS number", following)
    # One row for the bar itself, which has no missing number, and one for each gap behind it. They stay in the order
    # that looking for what follows has put them into.
    missing = f"concat(array(CAST(NULL AS bigint)), {_missing(frames, closed, lookback)})"
    return numbered.selectExpr("*", f"explode({missing}) AS in_gap").selectExpr(*_rows(frames))


def _missing(frames: Sequence[Frame], closed: int, lookback: int) -> str:
    """Give the numbers of the gaps right behind a bar."""
    made = of_frame(frames, lambda frame: frame.made_from // frame.seconds)
    told = of_frame(frames, lambda frame: min(closed, frame.changed_to) // frame.seconds - 1)
    first = f"greatest(number + 1, {made})"
    last = f"least(following - 1, number + {lookback - 1}, {told})"
    has_gaps = f"origin != '{HISTORY_ORIGIN}' AND {last} >= {first}"
    return f"IF({has_gaps}, sequence({first}, {last}), CAST(array() AS array<bigint>))"


def _rows(frames: Sequence[Frame]) -> tuple[str, ...]:
    seconds = of_frame(frames, lambda frame: frame.seconds)
    start, end = (f"timestamp_seconds({number} * {seconds})" for number in (_NUMBER, f"({_NUMBER} + 1)"))
    own = _OWN | {"window_start": start, "window_end": end, "date": f"to_date({start})"}
    names = (*BARS.names, "is_ours", "earlier")
    values = (f"{own.get(name, f'IF(in_gap IS NULL, {name}, NULL)')} AS {name}" for name in names)
    return (*values, f"{_NUMBER} AS number")
