"""Candles: bars that somebody else made. What they say of their window is taken over, the rest is unknown."""

from functools import reduce
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.schema import BARS, CANDLES_ORIGIN
from jobs.validate import first_reason, is_id, is_price
from jobs.window import bar_rows, return_pct

_NAMES: Final = ("coin_id", "vs_currency", "interval", "window_start", "window_end", "open", "high", "low", "close")
_PRICES: Final = ("open", "high", "low", "close")

#: Candles.
CANDLES: Final = t.StructType([BARS[name] for name in _NAMES])

#: Why a candle is turned away that begins within a window.
NOT_ALIGNED: Final = "not_aligned"

#: Why a candle is turned away that is not like another of its window.
CONTRADICTS: Final = "contradicts_another"


def judge_candles(candles: DataFrame) -> DataFrame:
    """Say what is wrong with each candle by itself.

    Args:
        candles: columns of :data:`CANDLES` and ``is_whole``, whatever else.

    Returns:
        The same, and ``reason``; null where nothing is wrong.
    """
    best, worst = f.greatest("open", "close"), f.least("open", "close")
    seconds = f.unix_micros("window_end") - f.unix_micros("window_start")
    are_prices = reduce(lambda left, right: left & right, (is_price(name) for name in _PRICES))
    rules = {
        "malformed": ~f.col("is_whole"),
        "bad_coin_id": ~is_id("coin_id"),
        "bad_vs_currency": ~is_id("vs_currency"),
        "absurd_time": f.col("window_start").isNull(),
        "bad_price": ~are_prices,
        "high_too_low": f.col("high") < best,
        "low_too_high": f.col("low") > worst,
        NOT_ALIGNED: f.pmod(f.unix_micros("window_start"), seconds) != 0,
    }
    return candles.withColumn("reason", first_reason(rules))


def once_each(candles: DataFrame, *, partitions: int | None) -> DataFrame:
    """Take each window once.

    Args:
        candles: columns of :data:`CANDLES`, all of one interval and nothing wrong with each.
        partitions: into how many to shuffle them; None leaves it to the session.

    Returns:
        Columns of :data:`CANDLES`, ``rows`` (how many there were) and ``is_certain``: false where they differ.
        Which of several that differ is right, nobody can tell.
    """
    date = f.to_date("window_start").alias("date")
    keyed = candles.select("*", date)
    if partitions is not None:
        keyed = keyed.repartition(partitions, "coin_id", "vs_currency", "date")
    # The date is a function of the rest of the key; with it among the keys the rows need no second shuffle.
    windows = keyed.groupBy("coin_id", "vs_currency", "date", "interval", "window_start", "window_end")
    ends = [f.struct(f.min(name).alias("least"), f.max(name).alias("most")).alias(name) for name in _PRICES]
    is_certain = reduce(
        lambda left, right: left & right, (f.col(name)["least"] == f.col(name)["most"] for name in _PRICES)
    )
    taken = windows.agg(*ends, f.count("*").alias("rows"))
    prices = [f.col(name)["least"].alias(name) for name in _PRICES]
    keys = [name for name in _NAMES if name not in _PRICES]
    return taken.select(*keys, *prices, "rows", is_certain.alias("is_certain"))


def candle_bars(candles: DataFrame) -> DataFrame:
    """Make a final bar of each candle.

    Args:
        candles: columns of :data:`CANDLES`.

    Returns:
        Columns of :data:`jobs.schema.BARS`. What only ticks can tell is null (``mean``, ``twap``,
        ``stddev``, the counts and times of ticks).
    """
    known = {
        "return_pct": return_pct(),
        "gap": f.lit(False),
        "origin": f.lit(CANDLES_ORIGIN),
        "is_final": f.lit(True),
        "revision": f.lit(0),
        "date": f.to_date("window_start"),
    }
    return bar_rows(candles.select(*CANDLES.names, *(value.alias(name) for name, value in known.items())))
