"""Revise: hold rows against the stored ones, and say what is new, what has changed and what is gone."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.frame_columns import is_made
from jobs.made_once import made_once
from jobs.reach import Frame
from jobs.schema import BAR_INDICATORS, BAR_STATISTICS, BARS, HISTORY_ORIGIN, ROW_KEY, TICKS_ORIGIN

NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"
#: A gap that is none any more, and has no bar either.
GONE: Final = "gone"

_COMPARED: Final = (*BAR_STATISTICS, *BAR_INDICATORS, "gap", "is_final")
#: What is left to say of a row that is gone.
_LEFT: Final = ("window_end", "date", "gap", "is_final")
_OLD: Final = f"struct({', '.join(dict.fromkeys((*_COMPARED, *_LEFT, 'revision')))}) AS old"
_MADE: Final = (*(name for name in BARS.names if name != "revision"), "is_ours", "true AS is_made")

_ALL_NEW: Final = (
    *("0 AS revision" if name == "revision" else name for name in BARS.names),
    f"'{NEW}' AS change",
    "false AS is_disputed",
)


def revise(rows: DataFrame, stored: DataFrame, frames: Sequence[Frame], *, closed: int) -> DataFrame:
    """Give rows their ``revision``, and say which of them the table lacks, and which gaps it has too many.

    Args:
        rows: columns of :data:`jobs.schema.BARS` and ``is_ours``, each key once.
        stored: what the table holds of them, columns of :data:`jobs.schema.BARS`.
        frames: of all intervals. A stored gap from ``made_from`` to ``changed_to`` that is not among the rows is gone.
        closed: gaps were made of the windows that end here or before, epoch seconds; of others nothing is known.

    Returns:
        Columns of :data:`jobs.schema.BARS`; ``change``: new, changed, same or gone; and ``is_disputed``: one of our
        bars says something else than a stored one that is made of ticks too. ``revision`` is 0 for a new row, and
        goes up by one where a final one changes. A row that is gone is null but for the key, its window and its flags.
    """
    old = stored.selectExpr(*ROW_KEY, _OLD)
    joined = rows.selectExpr(*_MADE).join(old, list(ROW_KEY), "full")
    is_told = is_made(frames) & (f.unix_seconds("old.window_end") <= closed)
    is_gone = f.col("is_made").isNull() & f.col("old.gap") & is_told
    return joined.filter(f.col("is_made") | is_gone).select("*", _change()).select(*_told())


def all_new(rows: DataFrame) -> DataFrame:
    """Say of rows that the table has none of them; otherwise as :func:`revise`."""
    return rows.selectExpr(*_ALL_NEW)


@made_once
def _change() -> Column:
    return (
        f.when(f.col("is_made").isNull(), GONE)
        .when(f.col("old").isNull(), NEW)
        .when(_differs(_COMPARED), CHANGED)
        .otherwise(SAME)
        .alias("change")
    )


@made_once
def _told() -> tuple[Column, ...]:
    is_revision = (f.col("change") == CHANGED) & f.col("old.is_final")
    revision = f.when(f.col("old").isNull(), 0).otherwise(f.col("old.revision") + is_revision.cast("int"))
    is_of_ticks = f.col("old.origin").isin(TICKS_ORIGIN, HISTORY_ORIGIN)
    is_disputed = f.coalesce(f.col("is_ours") & is_of_ticks & _differs(BAR_STATISTICS), f.lit(False))
    own = {name: f.coalesce(name, f"old.{name}") for name in _LEFT} | {"revision": revision}
    row = (own.get(name, f.col(name)).alias(name) for name in BARS.names)
    return (*row, f.col("change"), is_disputed.alias("is_disputed"))


def _differs(names: tuple[str, ...]) -> Column:
    stored = ", ".join(f"old.{name}" for name in names)
    return f.expr(f"NOT (struct({', '.join(names)}) <=> struct({stored}))")
