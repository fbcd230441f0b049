"""Revise: hold rows against the stored ones, and say what is new and what has changed."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.schema import BAR_INDICATORS, BAR_STATISTICS, BARS, HISTORY_ORIGIN, ROW_KEY, TICKS_ORIGIN

NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"

_COMPARED: Final = (*BAR_STATISTICS, *BAR_INDICATORS, "gap", "is_final")
_OLD: Final = f"struct({', '.join((*_COMPARED, 'revision'))})"


def revise(rows: DataFrame, stored: DataFrame) -> DataFrame:
    """Give rows their ``revision``, and say which of them the table lacks.

    Args:
        rows: columns of :data:`jobs.schema.BARS` and ``is_ours``, each key once.
        stored: what the table holds of them, columns of :data:`jobs.schema.BARS`.

    Returns:
        Columns of :data:`jobs.schema.BARS`; ``change``: new, changed or same; and ``is_disputed``: one of our bars
        says something else than a stored one that is made of ticks too. ``revision`` is 0 for a new row, and goes
        up by one where a final one changes.
    """
    old = stored.select(*ROW_KEY, f.expr(_OLD).alias("old"))
    change = f.when(f.col("old").isNull(), NEW).when(_differs(_COMPARED), CHANGED).otherwise(SAME)
    is_revision = (f.col("change") == CHANGED) & f.col("old.is_final")
    revision = f.when(f.col("old").isNull(), 0).otherwise(f.col("old.revision") + is_revision.cast("int"))
    is_of_ticks = f.col("old.origin").isin(TICKS_ORIGIN, HISTORY_ORIGIN)
    is_disputed = f.coalesce(f.col("is_ours") & is_of_ticks & _differs(BAR_STATISTICS), f.lit(False))
    joined = rows.drop("revision").join(old, list(ROW_KEY), "left").withColumn("change", change)
    return joined.withColumns({"revision": revision, "is_disputed": is_disputed}).select(
        *BARS.names, "change", "is_disputed"
    )


def _differs(names: tuple[str, ...]) -> Column:
    stored = ", ".join(f"old.{name}" for name in names)
    return f.expr(f"NOT (struct({', '.join(names)}) <=> struct({stored}))")
