"""Formula: the indicators, each over the closes of the bars that a bar looks back at, its own last.

An array is ordered from the oldest to the newest. Where it is too short for a formula the result is null.

Spark works an expression out wherever it stands: in a lambda once for each element, and again for each use. What is
used so is worked out once, by :func:`_once`.
"""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as f

#: Makes the median absolute deviation of a normal distribution its standard deviation.
_MAD_SCALE = 1.4826


def sma(closes: Column, bars: int) -> Column:
    """Simple moving average: the mean of the last ``bars`` closes."""
    return f.when(f.size(closes) >= bars, _mean(last(closes, bars), bars))


def deviation(closes: Column, average: Column, bars: int) -> Column:
    """Standard deviation (the population's) of the last ``bars`` closes around their mean, ``average``.

    Bollinger, "Bollinger on Bollinger Bands" (2001): the bands are the average plus and minus some of it.
    """
    squares = f.transform(last(closes, bars), lambda close: (close - average) * (close - average))
    return f.when(f.size(closes) >= bars, f.sqrt(_sum(squares) / bars))


def ema(closes: Column, bars: int) -> Column:
    """Exponential moving average: e + 2 / (bars + 1) x (close - e), begun with the mean of the first ``bars`` closes.

    Hunter, "The Exponentially Weighted Moving Average" (1986), with the weight that charts use. It begins
    with the oldest close of the array, so it reaches back no further.
    """
    weight = 2 / (bars + 1)
    rest = f.slice(closes, bars + 1, f.greatest(f.size(closes) - bars, f.lit(0)))
    begun = _mean(f.slice(closes, 1, bars), bars)
    smoothed = f.aggregate(rest, begun, lambda average, close: average + weight * (close - average))
    return f.when(f.size(closes) >= bars, smoothed)


def last(values: Column, count: int) -> Column:
    """Take the last ``count`` elements, or all where there are fewer."""
    return f.slice(values, f.greatest(f.size(values) - (count - 1), f.lit(1)), count)


def changes(closes: Column) -> Column:
    """Each close less the one before; one shorter than ``closes``."""
    return _pairs(closes, lambda before, after: after - before)


def log_returns(closes: Column) -> Column:
    """Logarithm of each close over the one before; one shorter than ``closes``."""
    return _pairs(closes, lambda before, after: f.log(after / before))


def root_of_squares(returns: Column) -> Column:
    """Realised volatility: the square root of the sum of squared log returns (Andersen & Bollerslev 1998)."""
    return f.sqrt(_sum(f.transform(returns, lambda each: each * each)))


def rsi(moves: Column, bars: int) -> Column:
    """Relative strength index, 0 to 100: 100 x gains / (gains + losses), both smoothed.

    Wilder, "New Concepts in Technical Trading Systems" (1978): the mean of the first ``bars`` moves, then
    (average x (bars - 1) + move) / bars. It begins with the oldest move. Null where the price stood still.

    Args:
        moves: as :func:`changes` gives them.
        bars: over how many moves.
    """
    gains = _wilder(moves, bars, lambda move: f.greatest(move, f.lit(0.0)))
    losses = _wilder(moves, bars, lambda move: f.greatest(-move, f.lit(0.0)))
    strength = _once(gains, lambda gain: _once(losses, lambda loss: _part(gain, gain + loss)))
    return f.when(f.size(moves) >= bars, strength)


def robust_z(returns: Column, bars: int) -> Column:
    """Tell how far the last return lies from the median of the ``bars`` before it, in robust deviations.

    Hampel, "The Influence Curve and Its Role in Robust Estimation" (1974): the deviation is 1.4826 times
    the median absolute one. Null where that is 0: there is nothing to measure by.
    """
    before = f.slice(returns, f.greatest(f.size(returns) - bars, f.lit(1)), bars)

    def from_middle(middle: Column) -> Column:
        spread = _MAD_SCALE * _median(f.transform(before, lambda each: f.abs(each - middle)), bars)
        distance = f.abs(f.element_at(returns, -1) - middle)
        return _once(spread, lambda apart: f.when(apart > 0, distance / apart))

    return f.when(f.size(returns) > bars, _once(_median(before, bars), from_middle))


def _once(value: Column, use: Callable[[Column], Column]) -> Column:
    """Work a value out once, however often it is used in what is made of it."""
    return f.element_at(f.transform(f.array(value), use), 1)


def _part(some: Column, whole: Column) -> Column:
    return f.when(whole > 0, 100 * some / whole)


def _wilder(moves: Column, bars: int, part: Callable[[Column], Column]) -> Column:
    rest = f.slice(moves, bars + 1, f.greatest(f.size(moves) - bars, f.lit(0)))
    begun = _mean(f.transform(f.slice(moves, 1, bars), part), bars)
    return f.aggregate(rest, begun, lambda average, move: (average * (bars - 1) + part(move)) / bars)


def _pairs(values: Column, combine: Callable[[Column, Column], Column]) -> Column:
    count = f.greatest(f.size(values) - 1, f.lit(0))
    return f.zip_with(f.slice(values, 1, count), f.slice(values, 2, count), combine)


def _sum(values: Column) -> Column:
    return f.aggregate(values, f.lit(0.0), lambda total, value: total + value)


def _mean(values: Column, count: int) -> Column:
    # Summed as distances from the first: equal values then have exactly that value as their mean.
    def mean(values: Column, first: Column) -> Column:
        return first + f.aggregate(values, f.lit(0.0), lambda total, value: total + (value - first)) / count

    return _once(values, lambda values: _once(f.element_at(values, 1), lambda first: mean(values, first)))


def _median(values: Column, count: int) -> Column:
    # Not array_sort, which asks a lambda for each pair.
    lower, upper = (count + 1) // 2, count // 2 + 1
    return _once(f.sort_array(values), lambda sort: (f.element_at(sort, lower) + f.element_at(sort, upper)) / 2)
