"""Rows against the stored ones: what is new, what has changed, and how often."""

from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from jobs.reach import Reach
from jobs.revise import revise
from jobs.schema import BAR_INDICATORS, BAR_STATISTICS, BARS
from tests.support.bars import NINE_S, Bar, bar, bars_frame, bars_in, candle, number_of

GAP: Bar = bar(0, 1) | dict.fromkeys(BAR_STATISTICS) | {"tick_count": 0, "gap": True}
#: A bar with all that there is to say, once and otherwise.
FULL: Bar = (
    bar(0, 10) | dict.fromkeys(BAR_INDICATORS, 1.0) | {"realized_volatility": 0.1, "anomaly": True, "stale": True}
)
OTHERWISE: dict[str, Any] = dict.fromkeys((*BAR_STATISTICS, *BAR_INDICATORS), -1.0) | {
    "tick_count": 7,
    "late_count": 7,
    "first_tick_at": 7,
    "last_tick_at": 7,
    "origin": "history",
    "anomaly": False,
    "stale": False,
}

#: The minutes from 09:00 to 09:15 are made, of which ten have closed.
CLOSED = NINE_S + 600
FRAMES = Reach(NINE_S, NINE_S + 900, CLOSED).frames(("1m", "5m"), lookback=1)

#: What comes, what is stored, and what becomes of it: (change, revision, is_disputed).
CASES: dict[str, tuple[Bar, Bar | None, tuple[str, int, bool]]] = {
    "nothing there": (bar(0, 10), None, ("new", 0, False)),
    "the same": (bar(0, 10), bar(0, 10, revision=3), ("same", 3, False)),
    "final, otherwise": (bar(0, 10), bar(0, 11, revision=3), ("changed", 4, True)),
    "filling, otherwise": (bar(0, 10), bar(0, 11, is_final=False), ("changed", 0, True)),
    "filling, final now": (bar(0, 10), bar(0, 10, is_final=False), ("changed", 0, False)),
    "a gap": (bar(0, 10), GAP, ("changed", 1, False)),
    "a gap, again": (GAP, GAP | {"revision": 2}, ("same", 2, False)),
    "a candle": (bar(0, 10), candle(0, 11), ("changed", 1, False)),
    "of a history": (bar(0, 10), bar(0, 11, origin="history"), ("changed", 1, True)),
    "another look back": (bar(0, 10), bar(0, 10, sma=4.0), ("changed", 1, False)),
    "another interval": (bar(0, 10), bar(0, 11, interval="5m"), ("new", 0, False)),
    "another window": (bar(0, 10), bar(1, 11), ("new", 0, False)),
    "another currency": (bar(0, 10), bar(0, 11, vs_currency="eur"), ("new", 0, False)),
}


def revised(spark: SparkSession, rows: list[Bar], stored: list[Bar], *, are_ours: bool = True) -> dict[str, Bar]:
    ours = bars_frame(spark, rows).withColumn("is_ours", f.lit(are_ours))
    frame = revise(ours, bars_frame(spark, stored), FRAMES, closed=CLOSED)
    assert frame.drop("change", "is_disputed").schema.simpleString() == BARS.simpleString()
    found = bars_in(frame)
    assert len(found) == len(rows)
    return {row["coin_id"]: row for row in found}


def told(row: Bar) -> tuple[str, int, bool]:
    return row["change"], row["revision"], row["is_disputed"]


def test_what_becomes_of_a_row(spark: SparkSession) -> None:
    rows = [row | {"coin_id": name} for name, (row, _, _) in CASES.items()]
    stored = [row | {"coin_id": name} for name, (_, row, _) in CASES.items() if row is not None]
    found = revised(spark, rows, stored)
    assert {name: told(row) for name, row in found.items()} == {name: case for name, (_, _, case) in CASES.items()}


def test_every_column_that_says_something_is_compared_and_null_is_something(spark: SparkSession) -> None:
    names = OTHERWISE.keys()
    rows = [FULL | {"coin_id": f"{name} {kind}"} for name in names for kind in ("other", "null")]
    stored = [FULL | {name: OTHERWISE[name], "coin_id": f"{name} other"} for name in names]
    stored += [FULL | {name: None, "coin_id": f"{name} null"} for name in names]
    found = revised(spark, rows, stored)
    for name in names:
        is_statistic = name in BAR_STATISTICS
        assert told(found[f"{name} other"]) == ("changed", 1, is_statistic), name
        # What says nothing of what it is made of is not known to be of ticks.
        assert told(found[f"{name} null"]) == ("changed", 1, is_statistic and name != "origin"), name


def test_what_follows_from_others_is_never_disputed(spark: SparkSession) -> None:
    found = revised(spark, [bar(0, 10)], [bar(0, 11)], are_ours=False)
    assert told(found["a"]) == ("changed", 1, False)


def test_a_gap_that_is_not_made_any_more_is_gone(spark: SparkSession) -> None:
    """Only where gaps were made: not before the first window, nor where it has not closed for this writer."""
    gaps = [
        bar(number, 1) | dict.fromkeys(BAR_STATISTICS) | {"tick_count": 0, "gap": True} for number in (-1, 0, 9, 10, 15)
    ]
    stored = [*gaps, bar(3, 10), GAP | {"coin_id": "b"}]
    kept = bars_frame(spark, stored[-1:]).withColumn("is_ours", f.lit(True))
    rows = bars_in(revise(kept, bars_frame(spark, stored), FRAMES, closed=CLOSED))
    assert {(row["coin_id"], number_of(row)): row["change"] for row in rows} == {
        ("a", 0): "gone",
        ("a", 9): "gone",
        ("b", 0): "same",
    }
    [row] = [row for row in rows if number_of(row) == 9]
    assert (row["gap"], row["is_final"], row["is_disputed"]) == (True, True, False)
    assert row["window_end"] - row["window_start"] == 60_000_000
