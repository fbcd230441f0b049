"""Candles: bars that somebody else made. What they say of their window is taken over, the rest is unknown."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.schema import BARS, FROM_CANDLES
from pricestream.interval import interval_seconds

#: Candles, each window once.
CANDLES: Final = t.StructType(
    [
        field
        for field in BARS
        if field.name
        in ("coin_id", "vs_currency", "interval", "window_start", "window_end", "open", "high", "low", "close")
    ]
)


def candle_bars(candles: DataFrame) -> DataFrame:
    """Make a final bar of each candle.

    Args:
        candles: columns of :data:`CANDLES`.

    Returns:
        Columns of :data:`jobs.schema.BARS`. What only ticks can tell is null (``mean``, ``twap``,
        ``stddev``, ``realized_volatility``, the counts and times of ticks), and so are the indicators.
    """
    known = {
        **{name: f.col(name) for name in CANDLES.names},
        "return_pct": (f.col("close") - f.col("open")) / f.col("open") * 100,
        "gap": f.lit(False),
        "origin": f.lit(FROM_CANDLES),
        "is_final": f.lit(True),
        "revision": f.lit(0),
        "date": f.to_date("window_start"),
    }
    return candles.select(*(_column(field, known.get(field.name)) for field in BARS)).select(*BARS.names)


def _column(field: t.StructField, known: Column | None) -> Column:
    return (f.lit(None).cast(field.dataType) if known is None else known).alias(field.name)


def window_end(start: str, interval: str) -> Column:
    """Give the end of the window that starts at a time."""
    return f.col(start) + f.expr(f"INTERVAL {interval_seconds(interval)} SECONDS")
