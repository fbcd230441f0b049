"""Overlay: new bars laid over stored ones. Of two of one window that of the finer origin stands, else the new one."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.schema import BARS, ORIGINS, ROW_KEY

#: All but the key, as one value; in SQL, because a call to Spark for each column takes its time.
_VALUES: Final = f"struct({', '.join(name for name in BARS.names if name not in ROW_KEY)})"
_RANKED: Final = f"array({', '.join(repr(each) for each in ORIGINS)})"


def overlay(ours: DataFrame, stored: DataFrame) -> DataFrame:
    """Lay bars over others.

    Args:
        ours: columns of :data:`jobs.schema.BARS`, each key once, no gaps.
        stored: likewise, but with gaps: any bar goes over one, and is as final as it was.

    Returns:
        Columns of :data:`jobs.schema.BARS`, and ``is_ours``: the window is among ``ours``. What was final stays so.
    """
    new = ours.select(*ROW_KEY, f.expr(_VALUES).alias("new"))
    old = stored.select(*ROW_KEY, f.expr(_VALUES).alias("old"))
    is_new = f.col("old").isNull() | f.col("old.gap") | (_rank("new") <= _rank("old"))
    was_final = f.coalesce(f.col("old.is_final"), f.lit(False))
    both = new.join(old, list(ROW_KEY), "full").select(
        *ROW_KEY,
        f.when(f.col("new").isNotNull() & is_new, f.col("new")).otherwise(f.col("old")).alias("now"),
        was_final.alias("was_final"),
        f.col("new").isNotNull().alias("is_ours"),
    )
    laid = both.select(*ROW_KEY, "now.*", "was_final", "is_ours")
    return laid.withColumn("is_final", f.col("is_final") | f.col("was_final")).select(*BARS.names, "is_ours")


def _rank(bar: str) -> Column:
    """Tell how fine the origin of a bar is, 1 for the finest."""
    return f.expr(f"array_position({_RANKED}, {bar}.origin)")
