"""The indicators, held against TA-Lib and against Python's own median."""

import itertools
import math
import random
import statistics

import numpy as np
import pytest
import talib
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as f

from jobs import formula

RNG = random.Random(7)
CLOSES = [100.0]
for _ in range(99):
    CLOSES.append(CLOSES[-1] * math.exp(RNG.gauss(0, 0.01)))


def value(spark: SparkSession, closes: list[float], indicator: Column) -> float | None:
    frame = spark.createDataFrame([(closes,)], "closes array<double>").select(indicator.alias("value"))
    found: float | None = frame.collect()[0]["value"]
    return found


@pytest.mark.parametrize("length", [19, 20, 21, 60, 100])
def test_averages_and_bands_are_those_of_ta_lib(spark: SparkSession, length: int) -> None:
    closes, column = CLOSES[:length], f.col("closes")
    series = np.array(closes)
    average = formula.sma(column, 20)
    upper, _, _ = talib.BBANDS(series, 20, 2, 2)
    expected = {
        "sma": (average, talib.SMA(series, 20)[-1]),
        "ema": (formula.ema(column, 20), talib.EMA(series, 20)[-1]),
        "upper": (average + 2 * formula.deviation(column, average, 20), upper[-1]),
    }
    for name, (indicator, theirs) in expected.items():
        ours = value(spark, closes, indicator)
        if length < 20:
            assert ours is None, name
            assert math.isnan(theirs), name
        else:
            assert ours == pytest.approx(theirs, rel=1e-9), name


@pytest.mark.parametrize("length", [14, 15, 16, 100])
def test_the_strength_index_is_that_of_ta_lib(spark: SparkSession, length: int) -> None:
    ours = value(spark, CLOSES[:length], formula.rsi(formula.changes(f.col("closes")), 14))
    theirs = talib.RSI(np.array(CLOSES[:length]), 14)[-1]
    assert ours is None if math.isnan(theirs) else ours == pytest.approx(theirs, rel=1e-9)


def test_a_price_that_stands_still_has_an_average_and_no_strength(spark: SparkSession) -> None:
    still = [0.1] * 30
    assert value(spark, still, formula.sma(f.col("closes"), 20)) == 0.1
    assert value(spark, still, formula.rsi(formula.changes(f.col("closes")), 14)) is None
    assert value(spark, still, formula.robust_z(formula.log_returns(f.col("closes")), 10)) is None


@pytest.mark.parametrize("bars", [9, 10])
def test_a_return_is_measured_against_the_median_of_those_before_it(spark: SparkSession, bars: int) -> None:
    returns = [math.log(after / before) for before, after in itertools.pairwise(CLOSES)][:40]
    before, own = returns[-bars - 1 : -1], returns[-1]
    middle = statistics.median(before)
    spread = 1.4826 * statistics.median(abs(each - middle) for each in before)
    ours = value(spark, CLOSES[:41], formula.robust_z(formula.log_returns(f.col("closes")), bars))
    assert ours == pytest.approx(abs(own - middle) / spread, rel=1e-9)
    assert value(spark, CLOSES[: bars + 1], formula.robust_z(formula.log_returns(f.col("closes")), bars)) is None
