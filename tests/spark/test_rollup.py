"""Longer intervals, against worked examples and against a model that looks at the ticks themselves.

minute      09:00        09:01        09:02   09:03        09:04        | 09:05
base bars   [10 12 8 8)  [9 9 9 9)    (none)  [11 11 7 7)  (none)       | [6 6 6 6)
5m          [open 10, high 12, low 7, close 7 ..........................| [6 6 6 6 ...
"""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.candles import candle_bars
from jobs.reach import Frame, Reach
from jobs.rollup import roll_up
from jobs.schema import BAR_INDICATORS, BARS
from jobs.window import base_bars
from pricestream.interval import interval_seconds
from tests.support.bars import NINE_S, Bar, bar, bars_frame, bars_in, candle, number_of
from tests.support.rows import base_ticks

HOUR_S = 3_600
#: (milliseconds since nine, price), in the order of the source.
Ticks = list[tuple[int, float]]


def frames(*intervals: str, first: int = NINE_S, end: int = NINE_S + 3 * HOUR_S) -> tuple[Frame, ...]:
    return Reach(first, end, closed=end).frames(intervals, lookback=3)


def minutes(spark: SparkSession, coins: dict[str, Ticks]) -> DataFrame:
    rows = [
        {
            "coin_id": coin,
            "event_time": pd.Timestamp(NINE_S * 1000 + at, unit="ms", tz="UTC").to_pydatetime(),
            "event_seq": number,
            "tick_id": number,
            "price": price,
        }
        for coin, ticks in coins.items()
        for number, (at, price) in enumerate(ticks)
    ]
    return base_bars(base_ticks(spark, rows), interval="1m", seconds=60)


def second(minute: int, second: float = 0) -> int:
    return minute * 60_000 + int(second * 1000)


def test_a_worked_example(spark: SparkSession) -> None:
    ticks = [(second(0, 5), 10.0), (second(0, 20), 12.0), (second(0, 40), 8.0), (second(1), 9.0)]
    ticks += [(second(3, 1), 11.0), (second(3, 2), 7.0), (second(5, 0), 6.0)]
    rolled = roll_up(minutes(spark, {"a": ticks}), frames("5m"))
    assert rolled.schema.simpleString() == BARS.simpleString()
    first, following = bars_in(rolled)
    # (10 + 12 + 8 + 9 + 11 + 7) / 6, and the root of the mean of the squared distances from it.
    assert first.pop("mean") == pytest.approx(9.5, rel=1e-15)
    assert first.pop("stddev") == pytest.approx(math.sqrt(17.5 / 6), rel=1e-14)
    # The minutes' own are 9.5, 9 and 9.
    assert first.pop("twap") == pytest.approx(27.5 / 3, rel=1e-15)
    # From 10 to 8, to 9, to 7.
    assert first.pop("realized_volatility") == pytest.approx(
        math.hypot(math.log(8 / 10), math.log(9 / 8), math.log(7 / 9)), rel=1e-14
    )
    assert first.pop("return_pct") == pytest.approx(-30.0, rel=1e-15)
    start = NINE_S * 1_000_000
    assert first == {
        "coin_id": "a",
        "vs_currency": "usd",
        "interval": "5m",
        "window_start": start,
        "window_end": start + 300_000_000,
        "open": 10.0,
        "high": 12.0,
        "low": 7.0,
        "close": 7.0,
        "tick_count": 6,
        "late_count": 0,
        "first_tick_at": start + 5_000_000,
        "last_tick_at": start + 182_000_000,
        "gap": False,
        "origin": "ticks",
        **dict.fromkeys(BAR_INDICATORS),
        "is_final": False,
        "revision": 0,
    }
    assert (following["open"], following["tick_count"], following["realized_volatility"]) == (6.0, 1, None)


def test_late_ticks_are_added_up(spark: SparkSession) -> None:
    bars = [bar(0, 5, tick_count=3, late_count=2), bar(1, 5, tick_count=4, late_count=1), bar(2, 5)]
    [five] = bars_in(roll_up(bars_frame(spark, bars), frames("5m")))
    assert (five["tick_count"], five["late_count"]) == (8, 3)


def test_equal_prices_have_that_price_as_mean_and_no_deviation(spark: SparkSession) -> None:
    bars = [bar(number, 0.1, tick_count=number + 1) for number in range(15)]
    [row] = bars_in(roll_up(bars_frame(spark, bars), frames("15m")))
    assert (row["mean"], row["twap"], row["stddev"], row["realized_volatility"]) == (0.1, 0.1, 0.0, 0.0)


def test_only_the_windows_of_the_frame_are_made(spark: SparkSession) -> None:
    base = bars_frame(spark, [bar(number, 5) for number in range(30)])
    chosen = frames("5m", first=NINE_S + 600, end=NINE_S + 1_200)
    assert [number_of(row) for row in bars_in(roll_up(base, chosen))] == [2, 3]
    # Each interval by itself: the quarter of an hour that holds minute 10 begins with minute 0.
    rows = bars_in(roll_up(base, frames("5m", "15m", first=NINE_S + 600, end=NINE_S + 660)))
    assert [(row["interval"], number_of(row), row["tick_count"]) for row in rows] == [("15m", 0, 15), ("5m", 2, 5)]


def test_odd_lengths_are_aligned_to_the_epoch(spark: SparkSession) -> None:
    # Thirty days from the begin of 2026 on, twelve hours apart.
    bars = [bar(number * 720, 5) for number in range(60)]
    end = NINE_S + 30 * 86_400
    rows = bars_in(roll_up(bars_frame(spark, bars), frames("7m", "7d", end=end)))
    starts = {
        name: [each["window_start"] // 1_000_000 for each in rows if each["interval"] == name] for name in ("7m", "7d")
    }
    assert starts["7m"] == [at - at % 420 for at in range(NINE_S, end, 43_200)]
    # The epoch was a Thursday, and so is every seventh day since.
    thursdays = ["2026-01-01", "2026-01-08", "2026-01-15", "2026-01-22", "2026-01-29"]
    assert starts["7d"] == [int(pd.Timestamp(day, tz="UTC").timestamp()) for day in thursdays]


# --- what bars are made of ------------------------------------------------------------------------------------------

MIXED: dict[str, tuple[list[Bar], tuple[str, float, int | None]]] = {
    "ticks alone": ([bar(0, 5), bar(1, 6)], ("ticks", 5.0, 2)),
    "candles alone": ([candle(0, 5), candle(1, 6)], ("rolled_candles", 5.0, None)),
    "a candle before ticks": ([candle(0, 5), bar(1, 6), bar(2, 7)], ("ticks", 6.0, 2)),
    "a candle before history": ([candle(0, 5), bar(1, 6, origin="history")], ("history", 6.0, 1)),
    "history and ticks": ([bar(0, 5, origin="history"), bar(1, 6)], ("ticks", 5.0, 2)),
}


def test_candles_do_not_count_where_ticks_are(spark: SparkSession) -> None:
    bars = [each | {"coin_id": name} for name, (members, _) in MIXED.items() for each in members]
    rows = bars_in(roll_up(bars_frame(spark, bars), frames("5m")))
    found = {row["coin_id"]: (row["origin"], row["open"], row["tick_count"]) for row in rows}
    assert found == {name: expected for name, (_, expected) in MIXED.items()}


def test_candles_have_prices_and_volatility_and_no_mean(spark: SparkSession) -> None:
    bars = [candle(0, 5, open=4.0, high=9.0, low=3.0), candle(2, 6, open=5.5, high=7.0, low=2.0)]
    [row] = bars_in(roll_up(bars_frame(spark, bars), frames("5m")))
    assert [row[name] for name in ("open", "high", "low", "close")] == [4.0, 9.0, 2.0, 6.0]
    unknown = ("mean", "twap", "stddev", "tick_count", "late_count", "first_tick_at", "last_tick_at")
    assert {row[name] for name in unknown} == {None}
    assert row["realized_volatility"] == pytest.approx(math.hypot(math.log(5 / 4), math.log(6 / 5)), rel=1e-14)
    assert row["return_pct"] == 50.0


def test_real_candles_rolled_up_are_those_that_pandas_makes(spark: SparkSession, shared_data: Path) -> None:
    path = shared_data / "market" / "candles_5m_btc_2018-01-10_to_30.csv.gz"
    table = pd.read_csv(path, parse_dates=["window_start"], float_precision="round_trip")
    table["start_s"] = (table.window_start - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1s")
    table["before"] = table.groupby(["coin_id", table.start_s // HOUR_S]).close.shift()
    table["square"] = (table.close / table.before.fillna(table.open)).map(math.log) ** 2
    hours = table.sort_values("start_s").groupby(["coin_id", table.start_s // HOUR_S * HOUR_S])
    taken = {"open": "first", "high": "max", "low": "min", "close": "last", "square": "sum"}
    expected = hours.agg(taken).rename(columns={"square": "realized_volatility"}).sort_index()
    expected["realized_volatility"] **= 0.5

    start = f.to_timestamp("window_start")
    times = {"window_start": start, "window_end": start + f.expr("INTERVAL 5 MINUTES")}
    read = spark.read.csv(str(path), header=True)
    prices = {name: f.col(name).cast("double") for name in ("open", "high", "low", "close")}
    named = {"vs_currency": f.lit("btc"), "interval": f.lit("5m")}
    base = candle_bars(read.withColumns(times | prices | named))
    first, end = int(table.start_s.min()), int(table.start_s.max()) + 300
    rolled = roll_up(base, frames("1h", first=first, end=end))
    found = rolled.select("coin_id", f.unix_seconds("window_start").alias("start_s"), *expected.columns).toPandas()
    found = found.set_index(["coin_id", "start_s"]).sort_index()
    exact = ["open", "high", "low", "close"]
    pd.testing.assert_frame_equal(found[exact], expected[exact], check_exact=True)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-15)
    assert len(found) > 2_500


# --- against a model ------------------------------------------------------------------------------------------------

prices = st.one_of(st.floats(1e-15, 1e9), st.sampled_from([1e-15, 1e9, 0.1, 1 / 3, 49357.0, 5e-9]))
# Mostly near a boundary, where mistakes live.
times = st.one_of(
    st.integers(0, 3 * HOUR_S * 1000 - 1),
    st.builds(lambda n, d: max(0, n * 300_000 + d), st.integers(0, 35), st.sampled_from([-1, 0, 1])),
)
markets = st.lists(st.lists(st.tuples(times, prices), min_size=1, max_size=30), min_size=15, max_size=30).map(
    lambda coins: {f"c{number:02d}": ticks for number, ticks in enumerate(coins)}
)

EXACT = ("open", "high", "low", "close", "tick_count", "first_tick_at", "last_tick_at")
QUICKLY: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
    "derandomize": True,
    # To find a smaller example, each of which is a call to Spark, would take minutes.
    "phases": [Phase.explicit, Phase.generate],
}


def model(coins: dict[str, Ticks], interval: str) -> dict[tuple[str, str, int], Bar]:
    """Look at the ticks themselves; but for ``twap`` and volatility, which are of the minutes, at nothing else."""
    rows = [(coin, NINE_S * 1000 + at, price) for coin, ticks in coins.items() for at, price in ticks]
    table = pd.DataFrame(rows, columns=["coin", "at", "price"])
    # Stable: within a millisecond the order of the source stands.
    table = table.sort_values("at", kind="stable")
    length = interval_seconds(interval) * 1000
    table["start"] = table["at"] // length * length
    found = {}
    for _, ticks in table.groupby(["coin", "start"]):
        found[str(ticks["coin"].iloc[0]), interval, int(ticks["start"].iloc[0])] = statistics(ticks)
    return found


def statistics(ticks: pd.DataFrame) -> Bar:
    values = ticks["price"].tolist()
    count = len(values)
    mean = math.fsum(values) / count
    of_minutes = ticks.groupby(ticks["at"] // 60_000)["price"].agg(["first", "max", "min", "last"])
    closes = [values[0], *of_minutes["last"]]
    return {
        "open": values[0],
        "high": max(values),
        "low": min(values),
        "close": values[-1],
        "tick_count": count,
        "first_tick_at": int(ticks["at"].iloc[0]) * 1000,
        "last_tick_at": int(ticks["at"].iloc[-1]) * 1000,
        "mean": mean,
        "stddev": math.sqrt(math.fsum((value - mean) ** 2 for value in values) / count),
        "twap": (of_minutes.sum(axis=1) / 4).mean(),
        "realized_volatility": math.hypot(*(math.log(b / a) for a, b in pairwise(closes))),
        "return_pct": (values[-1] - values[0]) / values[0] * 100,
    }


def by_key(rows: list[Bar]) -> dict[tuple[str, str, int], Bar]:
    return {(row["coin_id"], row["interval"], row["window_start"] // 1000): row for row in rows}


def assert_close(found: Bar, expected: Bar, *names: str) -> None:
    for name in names:
        # A deviation is as exact as the prices are, however small it is itself.
        least = 1e-12 * (expected["high"] if name in ("mean", "stddev", "twap") else 1)
        assert found[name] == pytest.approx(expected[name], rel=1e-12, abs=least), name


@settings(max_examples=3, **QUICKLY)
@given(coins=markets)
def test_longer_bars_are_those_of_the_model(spark: SparkSession, coins: dict[str, Ticks]) -> None:
    intervals = ("5m", "7m", "15m", "1h", "7d")
    expected: dict[tuple[str, str, int], Bar] = {}
    for interval in intervals:
        expected |= model(coins, interval)
    found = by_key(bars_in(roll_up(minutes(spark, coins), frames(*intervals))))
    assert found.keys() == expected.keys()
    for key, bar_ in expected.items():
        row = found[key]
        assert {name: row[name] for name in EXACT} == {name: bar_[name] for name in EXACT}
        assert_close(row, bar_, "mean", "stddev", "twap", "return_pct")
        if bar_["tick_count"] > 1:
            assert row["realized_volatility"] == pytest.approx(bar_["realized_volatility"], rel=1e-9, abs=1e-12)
        else:
            assert row["realized_volatility"] is None
        assert bar_["low"] <= row["mean"] <= bar_["high"]


@settings(max_examples=2, **QUICKLY)
@given(coins=markets)
def test_a_rollup_of_rollups_is_that_of_the_base(spark: SparkSession, coins: dict[str, Ticks]) -> None:
    base = minutes(spark, coins).cache()
    direct = by_key(bars_in(roll_up(base, frames("1h"))))
    by_way_of_five = by_key(bars_in(roll_up(roll_up(base, frames("5m")), frames("1h"))))
    base.unpersist()
    assert direct.keys() == by_way_of_five.keys()
    for key, row in direct.items():
        assert {name: by_way_of_five[key][name] for name in EXACT} == {name: row[name] for name in EXACT}
        assert_close(by_way_of_five[key], row, "mean", "stddev")


@settings(max_examples=1, **QUICKLY)
@given(coins=markets)
def test_the_order_of_base_bars_changes_no_bit(spark: SparkSession, coins: dict[str, Ticks]) -> None:
    base = minutes(spark, coins).cache()
    mixed_up = base.repartition(5).orderBy(f.desc("window_start"))
    assert_df_equality(roll_up(base, frames("5m", "1h")), roll_up(mixed_up, frames("5m", "1h")), ignore_row_order=True)
    base.unpersist()
