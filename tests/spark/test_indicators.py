"""What a bar says of those before it: worked examples, TA-Lib, and how far a bar can be seen.

minute       09:00  09:01  09:02  09:03  09:04  | closed at 09:04
closes       |100   |110   |(none)|121   |110 ...
log_return   |null  |0.0953|null  |null  |null, not closed yet
sma of 2     |null  |105   |null  |115.5 |null
"""

import math
import random
import statistics
from typing import Any

import numpy as np
import pytest
import talib
from pyspark.sql import SparkSession

from jobs.gaps import with_gaps
from jobs.indicators import with_indicators
from jobs.reach import Reach
from jobs.returns import with_returns
from jobs.schema import BAR_INDICATORS, BARS
from pricestream.indicator_settings import IndicatorSettings
from tests.support.bars import NINE_S, Bar, bar, bars_in, candle, looking_back, number_of

SMALL = IndicatorSettings(bars=2, rsi_bars=2, anomaly_bars=3, lookback_bars=5, stale_spacings=2)

#: ln(110 / 100), from a table of logarithms.
LN_1_1: Any = pytest.approx(0.09531017980432486, rel=1e-14)


def measured(
    spark: SparkSession, bars: list[Bar], settings: IndicatorSettings = SMALL, *, first: int = 0, closed: int
) -> dict[tuple[str, int], Bar]:
    """Rows by coin and number of their minute; those from ``first`` on are made, those before ``closed`` are closed."""
    reach = Reach(NINE_S + first * 60, NINE_S + closed * 60, NINE_S + closed * 60)
    frames = reach.frames(("1m",), lookback=settings.lookback_bars)
    returned = with_returns(looking_back(spark, bars, frames))
    spaced = with_gaps(returned, frames, closed=reach.closed, lookback=settings.lookback_bars)
    rows = with_indicators(spaced, frames, settings)
    assert rows.drop("is_ours").schema.simpleString() == BARS.simpleString()
    found = bars_in(rows)
    by_key = {(row["coin_id"], number_of(row)): row for row in found}
    assert len(by_key) == len(found)
    return by_key


def values(rows: dict[tuple[str, int], Bar], name: str, coin: str = "a") -> list[Any]:
    return [row[name] for (of, _), row in sorted(rows.items()) if of == coin]


def test_a_worked_example(spark: SparkSession) -> None:
    bars = [bar(0, 100), bar(1, 110), bar(3, 121), bar(4, 110, is_final=False)]
    rows = measured(spark, bars, closed=4)
    assert values(rows, "gap") == [False, False, True, False, False]
    assert values(rows, "log_return") == [None, LN_1_1, None, None, None]
    # The mean of the last two closes, a gap or not between them; the deviation of two is half their distance.
    assert values(rows, "sma") == [None, 105.0, None, 115.5, None]
    assert values(rows, "bollinger_lower") == [None, 95.0, None, 104.5, None]
    assert values(rows, "bollinger_upper") == [None, 115.0, None, 126.5, None]
    # 105, and two thirds of the way from there to 121.
    assert values(rows, "ema") == [None, 105.0, None, pytest.approx(105 + 2 / 3 * 16, rel=1e-14), None]
    # Two moves, both up.
    assert values(rows, "rsi") == [None, None, None, 100.0, None]
    assert values(rows, "anomaly") == [None] * 5


def test_a_gap_tells_nothing_but_whether_the_coin_is_stale(spark: SparkSession) -> None:
    bars = [bar(number, 100 + number) for number in range(5)]
    rows = measured(spark, bars, closed=9)
    assert {name for name in BAR_INDICATORS if rows["a", 6][name] is not None} == {"stale"}
    assert {name for name in BAR_INDICATORS if rows["a", 4][name] is None} == set()


def test_a_window_that_is_still_filling_tells_nothing(spark: SparkSession) -> None:
    bars = [bar(number, 100 + number, is_final=number < 8) for number in range(9)]
    filling = measured(spark, bars, closed=8)["a", 8]
    assert (filling["close"], filling["is_final"]) == (108.0, False)
    assert {filling[name] for name in BAR_INDICATORS} == {None}


def test_rows_are_given_of_the_windows_made_alone(spark: SparkSession) -> None:
    bars = [bar(number, 100 + number) for number in range(10)]
    rows = measured(spark, bars, first=6, closed=10)
    assert [number for _, number in rows] == [6, 7, 8, 9]
    everything = measured(spark, bars, closed=10)
    assert rows == {key: row for key, row in everything.items() if key in rows}


def test_what_is_looked_back_at_counts_as_if_it_were_made_too(spark: SparkSession) -> None:
    """Candles know of no ticks, and `b` has nothing to look back at, `c` nothing that is near enough.

    minute     0  1  2  3  4  5 | 6  7  8  9
    a          c  c  #  #  .  c | #  .  c  #
    b          .  .  .  .  .  . | #  #  .  #
    c          #  .  .  .  .  . | .  .  #  #
    """
    a = [*(candle(number, 100 + number) for number in (0, 1, 5, 8)), *(bar(number, 110 - number) for number in (2, 3))]
    a += [bar(6, 104, tick_count=3), bar(9, 90)]
    others = [bar(number, 7 + number, coin="b") for number in (6, 7, 9)]
    others += [bar(number, 9 - number, coin="c") for number in (0, 8, 9)]
    rows = measured(spark, a + others, first=6, closed=10)
    everything = measured(spark, a + others, closed=10)
    assert rows == {key: row for key, row in everything.items() if key[1] >= 6}
    assert values(rows, "sma") == [104.5, None, 106.0, 99.0]


def test_coins_do_not_look_at_one_another(spark: SparkSession) -> None:
    rows = measured(spark, [bar(0, 100), bar(1, 7, coin="b"), bar(1, 110), bar(2, 7, coin="b")], closed=3)
    assert values(rows, "log_return") == [None, LN_1_1, None]
    assert values(rows, "sma", "b") == [None, 7.0]


# --- against TA-Lib -------------------------------------------------------------------------------------------------

USUAL = IndicatorSettings(bars=10, rsi_bars=7, anomaly_bars=12, anomaly_score=3, lookback_bars=25)


def walk(seed: int, length: int) -> list[float]:
    source = random.Random(seed)
    closes = [100.0]
    for _ in range(length - 1):
        closes.append(closes[-1] * math.exp(source.gauss(0, 0.01)))
    return closes


def approx(value: float) -> Any:
    return None if math.isnan(value) else pytest.approx(value, rel=1e-9)


@pytest.fixture(scope="module")
def walks(spark: SparkSession) -> tuple[dict[str, list[float]], dict[tuple[str, int], Bar]]:
    """A series that is longer than the lookback, one that is shorter than any indicator, and their rows."""
    closes = {"long": walk(1, 60), "short": walk(2, 6), "middling": walk(3, 20)}
    bars = [bar(number, close, coin=coin) for coin, series in closes.items() for number, close in enumerate(series)]
    return closes, measured(spark, bars, USUAL, closed=60)


def test_averages_bands_and_strength_are_those_of_ta_lib(
    walks: tuple[dict[str, list[float]], dict[tuple[str, int], Bar]],
) -> None:
    closes, rows = walks
    for coin, series in closes.items():
        for number in range(len(series)):
            seen = np.array(series[max(0, number + 1 - USUAL.lookback_bars) : number + 1])
            upper, _, lower = (band[-1] for band in talib.BBANDS(seen, USUAL.bars, 2, 2))
            expected = {
                "sma": talib.SMA(seen, USUAL.bars)[-1],
                "ema": talib.EMA(seen, USUAL.bars)[-1],
                "bollinger_lower": lower,
                "bollinger_upper": upper,
                "rsi": talib.RSI(seen, USUAL.rsi_bars)[-1],
            }
            found = {name: rows[coin, number][name] for name in expected}
            assert found == {name: approx(value) for name, value in expected.items()}, (coin, number)
    assert values(rows, "rsi", "short") == [None] * len(values(rows, "rsi", "short"))


def test_returns_and_anomalies_are_those_of_the_median(
    walks: tuple[dict[str, list[float]], dict[tuple[str, int], Bar]],
) -> None:
    closes, rows = walks
    returns = np.diff(np.log(closes["long"]))
    for number in range(60):
        row = rows["long", number]
        assert row["log_return"] == (pytest.approx(returns[number - 1], rel=1e-9) if number else None)
        before = [float(each) for each in returns[max(0, number - 1 - USUAL.anomaly_bars) : max(0, number - 1)]]
        if len(before) < USUAL.anomaly_bars:
            assert row["anomaly"] is None
            continue
        middle = statistics.median(before)
        spread = 1.4826 * statistics.median(abs(each - middle) for each in before)
        assert row["anomaly"] == (abs(float(returns[number - 1]) - middle) > USUAL.anomaly_score * spread)
    assert {True, False} <= set(values(rows, "anomaly", "long"))


# --- anomalies and staleness ----------------------------------------------------------------------------------------


def test_a_spike_is_an_anomaly_and_the_way_back_too(spark: SparkSession) -> None:
    """Up and down by about a hundredth; then the price is a fifth up, and where it was again."""
    settings = IndicatorSettings(bars=2, rsi_bars=2, anomaly_bars=5, anomaly_score=5, lookback_bars=10)
    closes = [100.0, 101.0, 100.2, 100.9, 100.1, 101.1, 100.0, 100.9, 121.0, 100.5, 101.2]
    bars = [bar(number, close) for number, close in enumerate(closes)]
    rows = measured(spark, bars, settings, closed=len(closes))
    assert values(rows, "anomaly") == [None] * 6 + [False, False, True, True, False]


def test_a_price_that_stood_still_gives_nothing_to_measure_a_jump_by(spark: SparkSession) -> None:
    bars = [bar(number, 100) for number in range(5)] + [bar(5, 200)]
    rows = measured(spark, bars, closed=6)
    assert values(rows, "anomaly") == [None] * 6
    assert values(rows, "rsi") == [None] * 5 + [100.0]


def test_a_return_over_a_gap_counts_for_the_anomaly_and_is_no_log_return(spark: SparkSession) -> None:
    settings = IndicatorSettings(bars=2, rsi_bars=2, anomaly_bars=4, anomaly_score=5, lookback_bars=12)
    closes = [100.0, 101.0, 100.2, 100.9, 100.1]
    bars = [bar(number, close) for number, close in enumerate(closes)] + [bar(7, 150)]
    rows = measured(spark, bars, settings, closed=8)
    assert (rows["a", 7]["log_return"], rows["a", 7]["anomaly"]) == (None, True)


def test_a_coin_is_stale_when_it_had_no_tick_for_some_of_its_spacings(spark: SparkSession) -> None:
    """A tick in the middle of a minute: two spacings behind the last one it is stale.

    minute  09:00   09:01   09:02   09:03   09:04   09:05  | closed at 09:06
    tick    |   *   |   *   |       |       |       |
    silent  30 s    30 s    90 s    150 s   210 s   five minutes see but one tick, and no spacing
    """
    rows = measured(spark, [bar(0, 5), bar(1, 5)], closed=6)
    assert values(rows, "stale") == [None, False, False, True, True, None]


def test_silence_of_just_so_many_spacings_is_not_stale_yet(spark: SparkSession) -> None:
    # Ticks at 0 s and 60 s; at 180 s it is silent for 120 s, which is two spacings.
    ticks: list[Bar] = [
        {"first_tick_at": (NINE_S + second) * 1_000_000, "last_tick_at": (NINE_S + second) * 1_000_000}
        for second in (0, 60)
    ]
    rows = measured(spark, [bar(0, 5, **ticks[0]), bar(1, 5, **ticks[1])], closed=4)
    assert values(rows, "stale") == [None, False, False, True]


def test_what_is_known_of_candles_does_not_tell_whether_they_are_stale(spark: SparkSession) -> None:
    rows = measured(spark, [candle(number, 5) for number in range(4)], closed=6)
    assert values(rows, "stale") == [None] * 6
    assert values(rows, "sma")[1:4] == [5.0] * 3


# --- how far a bar is seen ------------------------------------------------------------------------------------------


def test_a_bar_is_seen_by_none_before_it_and_not_beyond_the_lookback(spark: SparkSession) -> None:
    """One coin for each bar that is another: what comes out otherwise lies in the windows from it on."""
    closes = walk(4, 20)
    there = [number for number in range(20) if number not in (5, 11, 12)]
    plain = {number: bar(number, closes[number]) for number in there}
    variants: dict[str, tuple[int, dict[int, Bar]]] = {}
    for number in there:
        variants[f"changed {number:02d}"] = (number, plain | {number: bar(number, closes[number] * 1.5)})
        variants[f"left out {number:02d}"] = (number, {at: each for at, each in plain.items() if at != number})
    everything = {"plain": (0, plain)} | variants
    bars = [each | {"coin_id": coin} for coin, (_, members) in everything.items() for each in members.values()]
    rows = measured(spark, bars, closed=20)
    by_coin: dict[str, dict[int, Bar]] = {coin: {} for coin in everything}
    for (coin, number), row in rows.items():
        by_coin[coin][number] = row | {"coin_id": ""}
    for coin, (number, _) in variants.items():
        numbers = by_coin["plain"].keys() | by_coin[coin].keys()
        different = {at for at in numbers if by_coin[coin].get(at) != by_coin["plain"].get(at)}
        assert number in different, coin
        assert min(different) == number, coin
        assert max(different) <= number + SMALL.lookback_bars - 1, coin
