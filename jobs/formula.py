"""Formula: the indicators, each over the closes of the bars that a bar looks back at, its own last.

All bars are worked out side by side, one number of their runs after the other. So the sums of a bar are made in the
order of its closes, whichever bars are worked out with it, and come out the same to the bit. NaN is what cannot be
told.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from jobs.runs import Floats, Runs

#: Makes the median absolute deviation of a normal distribution its standard deviation.
_MAD_SCALE: Final = 1.4826


def sma(closes: Runs, bars: int) -> Floats:
    """Simple moving average: the mean of the last ``bars`` closes."""
    return _where_long(closes, bars, _mean(closes.newest(bars)))


def deviation(closes: Runs, average: Floats, bars: int) -> Floats:
    """Standard deviation (the population's) of the last ``bars`` closes around their mean, ``average``.

    Bollinger, "Bollinger on Bollinger Bands" (2001): the bands are the average plus and minus some of it.
    """
    squares = _sum([(close - average) * (close - average) for close in closes.newest(bars)])
    return _where_long(closes, bars, np.sqrt(squares / bars))


def ema(closes: Runs, bars: int) -> Floats:
    """Exponential moving average: e + 2 / (bars + 1) x (close - e), begun with the mean of the first ``bars`` closes.

    Hunter, "The Exponentially Weighted Moving Average" (1986), with the weight that charts use. It begins
    with the oldest close of the run, so it reaches back no further.
    """
    weight = 2 / (bars + 1)
    average = _mean([closes.oldest(number) for number in range(bars)])
    for close, is_there in closes.from_number(bars):
        average = np.where(is_there, average + weight * (close - average), average)
    return _where_long(closes, bars, average)


def rsi(closes: Runs, bars: int) -> Floats:
    """Relative strength index, 0 to 100: 100 x gains / (gains + losses), both smoothed, of ``bars`` moves or more.

    Wilder, "New Concepts in Technical Trading Systems" (1978): the mean of the first ``bars`` moves, then
    (average x (bars - 1) + move) / bars. It begins with the oldest move. NaN where the price stood still.
    """
    gain = _wilder(closes, bars, lambda move: np.maximum(move, 0.0))
    whole = gain + _wilder(closes, bars, lambda move: np.maximum(-move, 0.0))
    return _where_long(closes, bars + 1, np.divide(100 * gain, whole, out=_unknown(whole), where=whole > 0))


def robust_z(returns: Runs, bars: int) -> Floats:
    """Tell how far the last return lies from the median of the ``bars`` before it, in robust deviations.

    Hampel, "The Influence Curve and Its Role in Robust Estimation" (1974): the deviation is 1.4826 times
    the median absolute one. NaN where that is 0: there is nothing to measure by.
    """
    *before, own = returns.newest(bars + 1)
    middle = _median(before)
    spread = _MAD_SCALE * _median([np.abs(each - middle) for each in before])
    score = np.divide(np.abs(own - middle), spread, out=_unknown(spread), where=spread > 0)
    return _where_long(returns, bars + 1, score)


def _wilder(closes: Runs, bars: int, part: Callable[[Floats], Floats]) -> Floats:
    moves = [closes.oldest(number + 1) - closes.oldest(number) for number in range(bars)]
    average, before = _mean([part(move) for move in moves]), closes.oldest(bars)
    for close, is_there in closes.from_number(bars + 1):
        average = np.where(is_there, (average * (bars - 1) + part(close - before)) / bars, average)
        before = close
    return average


def _where_long(runs: Runs, least: int, values: Floats) -> Floats:
    return np.where(runs.length >= least, values, np.nan)


def _unknown(like: Floats) -> Floats:
    return np.full_like(like, np.nan)


def _sum(values: Sequence[Floats]) -> Floats:
    # Not numpy's own sum, which adds in another order where there is one bar than where there are many.
    total = np.zeros_like(values[0])
    for value in values:
        total += value
    return total


def _mean(values: Sequence[Floats]) -> Floats:
    # Summed as distances from the first: equal values then have exactly that value as their mean.
    return values[0] + _sum([value - values[0] for value in values]) / len(values)


def _median(values: Sequence[Floats]) -> Floats:
    in_order = np.sort(np.stack(values, axis=-1), axis=-1)
    lower, upper = (len(values) - 1) // 2, len(values) // 2
    return (in_order[..., lower] + in_order[..., upper]) / 2
