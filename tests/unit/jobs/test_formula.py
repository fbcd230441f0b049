"""The indicators, held against TA-Lib and against Python's own median."""

import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import formula
from jobs.runs import Floats, Runs

RNG = random.Random(7)
CLOSES = [100.0]
for _ in range(99):
    CLOSES.append(CLOSES[-1] * math.exp(RNG.gauss(0, 0.01)))


def runs(*each: Sequence[float]) -> Runs:
    end = np.cumsum([len(values) for values in each], dtype=np.int64)
    first = end - np.array([len(values) for values in each], np.int64)
    return Runs(np.array([value for values in each for value in values], np.float64), first, end)


def value(closes: Sequence[float], indicator: Callable[[Runs], Floats]) -> float:
    [found] = indicator(runs(closes))
    return float(found)


def upper_band(closes: Runs) -> Floats:
    average = formula.sma(closes, 20)
    return average + 2 * formula.deviation(closes, average, 20)


@pytest.mark.parametrize("length", [19, 20, 21, 60, 100])
def test_averages_and_bands_are_those_of_ta_lib(length: int) -> None:
    closes = CLOSES[:length]
    series = np.array(closes)
    upper, _, _ = talib.BBANDS(series, 20, 2, 2)
    expected: dict[str, tuple[Callable[[Runs], Floats], float]] = {
        "sma": (lambda closes: formula.sma(closes, 20), talib.SMA(series, 20)[-1]),
        "ema": (lambda closes: formula.ema(closes, 20), talib.EMA(series, 20)[-1]),
        "upper": (upper_band, upper[-1]),
    }
    for name, (indicator, theirs) in expected.items():
        assert math.isnan(theirs) == (length < 20), name
        assert value(closes, indicator) == pytest.approx(theirs, rel=1e-9, nan_ok=True), name


@pytest.mark.parametrize("length", [14, 15, 16, 100])
def test_the_strength_index_is_that_of_ta_lib(length: int) -> None:
    theirs = talib.RSI(np.array(CLOSES[:length]), 14)[-1]
    ours = value(CLOSES[:length], lambda closes: formula.rsi(closes, 14))
    assert ours == pytest.approx(theirs, rel=1e-9, nan_ok=True)


def test_a_price_that_stands_still_has_an_average_and_no_strength() -> None:
    still = [0.1] * 30
    assert value(still, lambda closes: formula.sma(closes, 20)) == 0.1
    assert value(still, lambda closes: formula.ema(closes, 20)) == 0.1
    assert math.isnan(value(still, lambda closes: formula.rsi(closes, 14)))
    assert math.isnan(value([0.0] * 30, lambda returns: formula.robust_z(returns, 10)))


@pytest.mark.parametrize("bars", [9, 10])
def test_a_return_is_measured_against_the_median_of_those_before_it(bars: int) -> None:
    returns = [math.log(after / before) for before, after in itertools.pairwise(CLOSES)][:40]
    before, own = returns[-bars - 1 : -1], returns[-1]
    middle = statistics.median(before)
    spread = 1.4826 * statistics.median(abs(each - middle) for each in before)
    assert value(returns, lambda each: formula.robust_z(each, bars)) == pytest.approx(
        abs(own - middle) / spread, rel=1e-12
    )
    assert math.isnan(value(returns[:bars], lambda each: formula.robust_z(each, bars)))


ALL: dict[str, Callable[[Runs], Floats]] = {
    "sma": lambda closes: formula.sma(closes, 3),
    "deviation": lambda closes: formula.deviation(closes, formula.sma(closes, 3), 3),
    "ema": lambda closes: formula.ema(closes, 3),
    "rsi": lambda closes: formula.rsi(closes, 2),
    "robust_z": lambda returns: formula.robust_z(returns, 4),
}

prices = st.floats(min_value=1e-6, max_value=1e9)


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None)
@given(each=st.lists(st.lists(prices, min_size=1, max_size=12), min_size=1, max_size=9))
def test_a_run_comes_out_the_same_to_the_bit_whatever_is_worked_out_beside_it(
    name: str, each: list[list[float]]
) -> None:
    together = ALL[name](runs(*each))
    alone = np.concatenate([ALL[name](runs(values)) for values in each])
    assert together.tobytes() == alone.tobytes()
