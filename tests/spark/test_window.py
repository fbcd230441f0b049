"""Bars, against worked examples and against a model in plain Python.

minute      09:00                          09:01               09:02         09:03
ticks       |A 10 .... B 12 ... C 8 ......|D 9 ...............|.............|E 11 ...
bars        [open 10 high 12 low 8 close 8)[9 9 9 9)           (none)        [11 ...
"""

import math
import random
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from jobs.schema import BAR_INDICATORS, BARS, OK
from jobs.window import base_bars, of_interest, window_start
from tests.support.rows import base_ticks

START_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE_MS = 60_000


@dataclass(frozen=True)
class T:
    """A tick, as short as a test wants it."""

    at: int
    price: float
    seq: int | None = None
    coin: str = "a"
    is_history: bool = False
    is_late: bool = False

    @property
    def tick_id(self) -> int:
        return zlib.crc32(repr(self).encode())


def frame(spark: SparkSession, ticks: list[T]) -> DataFrame:
    return base_ticks(
        spark,
        [
            {
                "coin_id": tick.coin,
                "event_time": moment(tick.at),
                "event_seq": tick.seq,
                "tick_id": tick.tick_id,
                "price": float(tick.price),
                "added_by": "backfill" if tick.is_history or tick.is_late else None,
                "source": "backfill" if tick.is_history else "replay",
                "reason": "late_taken_in" if tick.is_late else None,
            }
            for tick in ticks
        ],
    )


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def minutes(spark: SparkSession, ticks: list[T]) -> DataFrame:
    return base_bars(frame(spark, ticks), interval="1m", seconds=60)


def collect(bars: DataFrame) -> list[Row]:
    times = ("window_start", "window_end", "first_tick_at", "last_tick_at")
    as_numbers = {name: f.unix_millis(name) for name in times}
    return bars.withColumns(as_numbers).orderBy("coin_id", "window_start").collect()


def at(minute: int, second: float) -> int:
    return START_MS + minute * MINUTE_MS + int(second * 1000)


def test_a_worked_example(spark: SparkSession) -> None:
    bars = minutes(spark, [T(at(0, 5), 10), T(at(0, 20), 12), T(at(0, 40), 8), T(at(1, 0), 9), T(at(3, 30), 11)])
    assert bars.schema.simpleString() == BARS.simpleString()
    first, second, third = (row.asDict() for row in collect(bars))
    assert first.pop("mean") == pytest.approx(10.0, rel=1e-15)
    # ln(12 / 10) and ln(8 / 12), from a table of logarithms: sqrt(0.1823216 ** 2 + 0.4054651 ** 2).
    assert first.pop("realized_volatility") == pytest.approx(0.4445707, rel=1e-6)
    # Population: sqrt((0 + 4 + 4) / 3).
    assert first.pop("stddev") == pytest.approx(1.632993161855452, rel=1e-14)
    assert first.pop("date").isoformat() == "2026-01-05"
    assert first == {
        "coin_id": "a",
        "vs_currency": "usd",
        "interval": "1m",
        "window_start": START_MS,
        "window_end": START_MS + MINUTE_MS,
        "open": 10.0,
        "high": 12.0,
        "low": 8.0,
        "close": 8.0,
        "twap": 9.5,
        "tick_count": 3,
        "late_count": 0,
        "first_tick_at": at(0, 5),
        "last_tick_at": at(0, 40),
        "return_pct": -20.0,
        "gap": False,
        "origin": "ticks",
        **dict.fromkeys(BAR_INDICATORS),
        "is_final": True,
        "revision": 0,
    }
    assert (second["window_start"], second["tick_count"], second["close"]) == (at(1, 0), 1, 9.0)
    assert second["realized_volatility"] is None
    assert (third["window_start"], third["open"]) == (at(3, 0), 11.0)


def test_a_window_holds_its_start_and_not_its_end(spark: SparkSession) -> None:
    rows = collect(minutes(spark, [T(at(0, 0), 1), T(at(0, 59.999), 2), T(at(1, 0), 3)]))
    assert [(row["window_start"], row["tick_count"]) for row in rows] == [(at(0, 0), 2), (at(1, 0), 1)]


def test_a_tick_that_came_twice_counts_once(spark: SparkSession) -> None:
    [row] = collect(minutes(spark, [T(at(0, 1), 5), T(at(0, 1), 5), T(at(0, 2), 6), T(at(0, 1), 5)]))
    assert (row["tick_count"], row["mean"]) == (2, 5.5)


def test_two_trades_at_one_price_in_one_millisecond_are_two(spark: SparkSession) -> None:
    [row] = collect(minutes(spark, [T(at(0, 1), 5, seq=1), T(at(0, 1), 5, seq=2)]))
    assert row["tick_count"] == 2


def test_the_order_of_the_source_decides_within_a_millisecond(spark: SparkSession) -> None:
    [row] = collect(minutes(spark, [T(at(0, 1), 7, seq=12), T(at(0, 1), 5, seq=10), T(at(0, 1), 6, seq=11)]))
    assert (row["open"], row["close"]) == (5.0, 7.0)


def test_equal_prices_have_that_price_as_mean_and_no_deviation(spark: SparkSession) -> None:
    [row] = collect(minutes(spark, [T(at(0, second), 0.1) for second in range(7)]))
    assert (row["mean"], row["twap"], row["stddev"]) == (0.1, 0.1, 0.0)


def test_points_of_a_history_count_only_where_there_is_nothing_finer(spark: SparkSession) -> None:
    history = [T(at(0, 1), 99, is_history=True), T(at(1, 1), 5, is_history=True)]
    rows = collect(minutes(spark, [T(at(0, 30), 7), *history]))
    found = [(row["window_start"], row["close"], row["tick_count"], row["origin"]) for row in rows]
    assert found == [(at(0, 0), 7.0, 1, "ticks"), (at(1, 0), 5.0, 1, "history")]


def test_a_bar_says_how_many_late_ticks_it_has(spark: SparkSession) -> None:
    late = [T(at(0, 1), 5, is_late=True), T(at(0, 1), 5, is_late=True), T(at(0, 2), 6, is_late=True)]
    [row] = collect(minutes(spark, [T(at(0, 30), 7), *late]))
    assert (row["tick_count"], row["late_count"], row["origin"]) == (3, 2, "ticks")


def test_coins_and_currencies_are_apart(spark: SparkSession) -> None:
    rows = collect(minutes(spark, [T(at(0, 1), 5, coin="a"), T(at(0, 1), 6, coin="b")]))
    assert [(row["coin_id"], row["close"]) for row in rows] == [("a", 5.0), ("b", 6.0)]


def gathered_under(bars: DataFrame) -> list[str]:
    """Name the columns that Spark groups ticks by."""
    plan = bars._jdf.queryExecution().analyzed().toString()
    [key] = re.findall(r"Aggregate \[(.*?)\]", plan)
    return re.findall(r"(\w+)#", key)


def test_a_stream_keeps_its_state_under_the_coin_and_the_window(spark: SparkSession, tmp_path: Path) -> None:
    ticks = frame(spark, [])
    stream = spark.readStream.schema(ticks.schema).parquet(str(tmp_path))
    # Under anything else a job that goes on from an older checkpoint would not find what it had gathered.
    key = ["coin_id", "vs_currency", "window"]
    assert gathered_under(base_bars(stream, interval="1m", seconds=60)) == key
    # Those of a batch have met before: all of a window in one task.
    assert gathered_under(base_bars(ticks, interval="1m", seconds=60)) == ["meeting", *key]


def test_window_start_is_what_spark_uses(spark: SparkSession) -> None:
    ticks = frame(spark, [T(at(0, 0), 1), T(at(0, 59.999), 1), T(at(7, 30), 1), T(-1, 1), T(0, 1)])
    both = ticks.select(
        window_start("event_time", 300).alias("ours"), f.window("event_time", "300 seconds").start.alias("its")
    )
    assert both.filter("ours != its").count() == 0


def test_of_interest_leaves_out_what_a_backfill_added_and_what_was_turned_away(spark: SparkSession) -> None:
    rows = [("ok", None), ("heartbeat", None), ("late", None), ("rejected", None), ("ok", "backfill-1")]
    ticks = spark.createDataFrame(rows, "status string, added_by string")
    assert sorted(row["status"] for row in of_interest(ticks).collect()) == ["heartbeat", OK]


# --- against a model -------------------------------------------------------------------------------------------------

prices = st.one_of(st.floats(1e-15, 1e9), st.sampled_from([1e-15, 1e9, 0.1, 1 / 3, 49357.0, 5e-9]))
# Mostly near a boundary, where mistakes live.
times = st.one_of(
    st.integers(START_MS, START_MS + 10 * MINUTE_MS),
    st.builds(lambda n, d: START_MS + n * MINUTE_MS + d, st.integers(0, 10), st.sampled_from([-1, 0, 1])),
)
ticks_of_a_coin = st.lists(
    st.builds(T, times, prices, st.one_of(st.none(), st.integers(0, 5))), min_size=1, max_size=25
)
markets = st.lists(ticks_of_a_coin, min_size=10, max_size=25).map(
    lambda coins: [T(tick.at, tick.price, tick.seq, f"c{n:02d}") for n, ticks in enumerate(coins) for tick in ticks]
)


def model(ticks: list[T]) -> dict[tuple[str, int], dict[str, float]]:
    """Bars in plain Python: exact sums of fractions over the distinct ticks, in order."""
    windows: dict[tuple[str, int], set[T]] = defaultdict(set)
    for tick in ticks:
        windows[tick.coin, tick.at // MINUTE_MS * MINUTE_MS].add(tick)
    return {key: statistics(members) for key, members in windows.items()}


def statistics(members: set[T]) -> dict[str, float]:
    # None sorts first, as it does in Spark.
    in_order = sorted(members, key=lambda tick: (tick.at, tick.seq is not None, tick.seq or 0, tick.tick_id))
    values = [Fraction(tick.price) for tick in in_order]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    ohlc = [float(values[0]), float(max(values)), float(min(values)), float(values[-1])]
    return {
        "open": ohlc[0],
        "high": ohlc[1],
        "low": ohlc[2],
        "close": ohlc[3],
        "mean": float(mean),
        "stddev": math.sqrt(variance),
        "twap": float(sum(map(Fraction, ohlc)) / 4),
        "realized_volatility": math.hypot(*(math.log(b / a) for a, b in pairwise(map(float, values)))),
        "return_pct": float((values[-1] - values[0]) / values[0] * 100),
        "tick_count": len(values),
        "first_tick_at": in_order[0].at,
        "last_tick_at": in_order[-1].at,
    }


EXACT = ("open", "high", "low", "close", "tick_count", "first_tick_at", "last_tick_at")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(ticks=markets, seed=st.integers(0, 999))
def test_bars_are_those_of_the_model(spark: SparkSession, ticks: list[T], seed: int) -> None:
    shuffled = ticks + random.Random(seed).choices(ticks, k=5)
    random.Random(seed).shuffle(shuffled)
    expected = model(ticks)
    found = {(row["coin_id"], row["window_start"]): row for row in collect(minutes(spark, shuffled))}
    assert found.keys() == expected.keys()
    for key, bar in expected.items():
        row = found[key]
        assert {name: row[name] for name in EXACT} == {name: bar[name] for name in EXACT}
        assert row["mean"] == pytest.approx(bar["mean"], rel=1e-12)
        assert row["twap"] == pytest.approx(bar["twap"], rel=1e-15)
        assert row["return_pct"] == pytest.approx(bar["return_pct"], rel=1e-12, abs=1e-12)
        assert row["stddev"] == pytest.approx(bar["stddev"], rel=1e-9, abs=1e-12 * bar["high"])
        if bar["tick_count"] > 1:
            assert row["realized_volatility"] == pytest.approx(bar["realized_volatility"], rel=1e-9, abs=1e-12)
        assert bar["low"] <= row["mean"] <= bar["high"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(ticks=markets, seed=st.integers(0, 999))
def test_order_repetition_and_partitioning_change_no_bit(spark: SparkSession, ticks: list[T], seed: int) -> None:
    shuffled = ticks + random.Random(seed).choices(ticks, k=5)
    random.Random(seed).shuffle(shuffled)
    in_pieces = base_bars(frame(spark, shuffled).repartition(7), interval="1m", seconds=60)
    assert_df_equality(minutes(spark, ticks), in_pieces, ignore_row_order=True)
