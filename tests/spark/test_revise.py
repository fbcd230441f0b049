"""Bars against the stored ones: returns from bar to bar, and what is new, changed or the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.revise import revise
from jobs.schema import BARS
from jobs.window import base_bars

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SCHEMA = "coin_id string, vs_currency string, event_time timestamp, event_seq long, tick_id long, price double"

#: ln(110 / 100), from a table of logarithms.
LN_1_1: Any = pytest.approx(0.09531017980432486, rel=1e-15)

Found = dict[int, tuple[str, int, float | None]]


def closes(spark: SparkSession, *at_minute: tuple[int, float], coin: str = "a") -> DataFrame:
    rows = [(coin, "usd", START + timedelta(minutes=minute), None, 1, float(close)) for minute, close in at_minute]
    return base_bars(spark.createDataFrame(rows, SCHEMA), interval="1m", seconds=60)


def revised(bars: DataFrame, stored: DataFrame) -> Found:
    """What became of each minute: (change, revision, log_return)."""
    frame = revise(bars, stored)
    assert frame.drop("change").schema.simpleString() == BARS.simpleString()
    minute = (f.unix_seconds("window_start") - int(START.timestamp())) / 60
    rows = frame.select(minute.cast("int").alias("minute"), "change", "revision", "log_return").collect()
    found = {row["minute"]: (row["change"], row["revision"], row["log_return"]) for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_return_is_against_the_window_just_before(spark: SparkSession) -> None:
    bars = closes(spark, (0, 100), (1, 110), (3, 120))
    assert revised(bars, bars.limit(0)) == {0: ("new", 0, None), 1: ("new", 0, LN_1_1), 3: ("new", 0, None)}


def test_the_bar_before_may_be_stored(spark: SparkSession) -> None:
    assert revised(closes(spark, (1, 110)), closes(spark, (0, 100))) == {1: ("new", 0, LN_1_1)}


def test_a_bar_that_comes_between_changes_the_one_behind(spark: SparkSession) -> None:
    found = revised(closes(spark, (1, 100)), closes(spark, (0, 100), (2, 110), (3, 50)))
    assert found == {1: ("new", 0, 0.0), 2: ("changed", 1, LN_1_1)}


def test_a_changed_bar_counts_as_it_is_now(spark: SparkSession) -> None:
    found = revised(closes(spark, (0, 100)), closes(spark, (0, 7), (1, 110)))
    assert found == {0: ("changed", 1, None), 1: ("changed", 1, LN_1_1)}


def test_the_same_bar_again_is_the_same(spark: SparkSession) -> None:
    stored = closes(spark, (0, 100)).withColumn("revision", f.lit(3))
    assert revised(closes(spark, (0, 100)), stored) == {0: ("same", 3, None)}


def test_another_coin_is_no_neighbour(spark: SparkSession) -> None:
    assert revised(closes(spark, (1, 110)), closes(spark, (0, 100), coin="b")) == {1: ("new", 0, None)}
