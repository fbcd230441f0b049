"""Overlay: new bars laid over stored ones. Of two of one window that of the finer origin stands, else the new one."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.made_once import made_once
from jobs.schema import BARS, ORIGINS, ROW_KEY

#: All but the key, as one value. As with each select of a derivation, the fewer steps and calls the better: Spark
#: goes over the whole plan for each, and thinks longer about a micro-batch than it works (docs/performance.md).
_VALUES: Final = f"struct({', '.join(name for name in BARS.names if name not in ROW_KEY)})"
_RANKED: Final = f"array({', '.join(repr(each) for each in ORIGINS)})"
_OWN: Final = {name: name for name in ROW_KEY} | {"is_final": "now.is_final OR was_final AS is_final"}
_NAMED: Final = (*(_OWN.get(name, f"now.{name}") for name in BARS.names), "is_ours")


def overlay(ours: DataFrame, stored: DataFrame) -> DataFrame:
    """Lay bars over others.

    Args:
        ours: columns of :data:`jobs.schema.BARS`, each key once, no gaps.
        stored: likewise, but with gaps: any bar goes over one, and is as final as it was.

    Returns:
        Columns of :data:`jobs.schema.BARS`, and ``is_ours``: the window is among ``ours``. What was final stays so.
    """
    new = ours.selectExpr(*ROW_KEY, f"{_VALUES} AS new")
    old = stored.selectExpr(*ROW_KEY, f"{_VALUES} AS old")
    return new.join(old, list(ROW_KEY), "full").select(*_chosen()).selectExpr(*_NAMED)


@made_once
def _chosen() -> tuple[Column, ...]:
    is_new = f.col("old").isNull() | f.col("old.gap") | (_rank("new") <= _rank("old"))
    return (
        *(f.col(name) for name in ROW_KEY),
        f.when(f.col("new").isNotNull() & is_new, f.col("new")).otherwise(f.col("old")).alias("now"),
        f.coalesce(f.col("old.is_final"), f.lit(False)).alias("was_final"),
        f.col("new").isNotNull().alias("is_ours"),
    )


def _rank(bar: str) -> Column:
    """Tell how fine the origin of a bar is, 1 for the finest."""
    return f.expr(f"array_position({_RANKED}, {bar}.origin)")
