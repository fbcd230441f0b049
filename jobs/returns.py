"""Returns: logarithms of one price over the one before.

Spark works them out, because its logarithm is Java's ``StrictMath``, the same to the bit on every machine, as that of
numpy is not.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.schema import IN_ORDER


def log_returns(prices: Column) -> Column:
    """Logarithm of each price of an array over the one before; one shorter than ``prices``."""
    count = f.greatest(f.size(prices) - 1, f.lit(0))
    befores, afters = f.slice(prices, 1, count), f.slice(prices, 2, count)
    return f.zip_with(befores, afters, lambda before, after: f.log(after / before))


def root_of_squares(returns: Column) -> Column:
    """Realised volatility: the square root of the sum of squared log returns (Andersen & Bollerslev 1998)."""
    squares = f.transform(returns, lambda each: each * each)
    return f.sqrt(f.aggregate(squares, f.lit(0.0), lambda total, square: total + square))


def with_returns(bars: DataFrame) -> DataFrame:
    """Fill in ``log_return`` with ln(close / close of the bar before), whatever lies between the two.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, and ``earlier`` (:func:`jobs.look_back.look_back`), no gaps. What has
            something in ``earlier`` has its return already.
    """
    before = f"lag(close) OVER {IN_ORDER}"
    return bars.withColumn("log_return", f.expr(f"IF(earlier IS NULL, ln(close / {before}), log_return)"))
