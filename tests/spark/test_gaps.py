"""Rows for windows without a tick, on worked examples.

`|` is where the windows begin and end, `#` a bar, `-` a gap that is made, `.` nothing.

minute      09:00 01 02 03 04 05 06 07 08 09 10 11 12 | closed at 09:12
ticks       |#   |  |  |# |  |  |  |  |  |  |  |# |
a look at 4 |#   |--|--|# |--|--|--|..|..|..|..|# |
"""

from pyspark.sql import SparkSession

from jobs.gaps import with_gaps
from jobs.reach import Reach
from jobs.schema import BARS
from tests.support.bars import NINE_S, Bar, bar, bars_in, candle, looking_back, number_of

LOOKBACK = 4
#: (coin, interval, number of the window).
Windows = set[tuple[str, str, int]]


def minute(number: int) -> int:
    """When a minute begins, epoch seconds."""
    return NINE_S + number * 60


def spaced(spark: SparkSession, bars: list[Bar], reach: Reach, *intervals: str) -> list[Bar]:
    frames = reach.frames(intervals or ("1m",), lookback=LOOKBACK)
    rows = with_gaps(looking_back(spark, bars, frames), frames, closed=reach.closed, lookback=LOOKBACK)
    assert rows.drop("is_ours", "earlier", "number").schema.simpleString() == BARS.simpleString()
    return bars_in(rows)


def gaps(rows: list[Bar]) -> Windows:
    found = [(row["coin_id"], row["interval"], number_of(row)) for row in rows if row["gap"]]
    assert len(set(found)) == len(found)
    return set(found)


def closed_through(number: int, *, first: int = 0) -> Reach:
    """All minutes from ``first`` on have changed, and are closed up to ``number``."""
    return Reach(minute(first), minute(number), closed=minute(number))


def test_a_gap_is_made_up_to_the_lookback_behind_a_bar(spark: SparkSession) -> None:
    rows = spaced(spark, [bar(0, 10), bar(3, 11), bar(11, 12)], closed_through(12))
    assert gaps(rows) == {("a", "1m", number) for number in (1, 2, 4, 5, 6)}
    assert [number_of(row) for row in rows if not row["gap"]] == [0, 3, 11]
    assert all(row["is_ours"] for row in rows if not row["gap"])


def test_a_gap_says_which_window_it_is_and_nothing_else(spark: SparkSession) -> None:
    [_, row] = spaced(spark, [bar(0, 10, coin="bitcoin")], closed_through(2))
    start = minute(1) * 1_000_000
    told = {name: value for name, value in row.items() if value is not None}
    assert told == {
        "coin_id": "bitcoin",
        "vs_currency": "usd",
        "interval": "1m",
        "window_start": start,
        "window_end": start + 60_000_000,
        "tick_count": 0,
        "gap": True,
        "is_final": True,
        "revision": 0,
        "is_ours": False,
        "number": minute(1) // 60,
    }


def test_a_gap_has_the_date_of_its_own_window(spark: SparkSession) -> None:
    # 2026-01-05T23:59 is the 899th minute behind nine o'clock.
    frames = closed_through(901, first=899).frames(("1m",), lookback=LOOKBACK)
    rows = with_gaps(looking_back(spark, [bar(899, 10)], frames), frames, closed=minute(901), lookback=LOOKBACK)
    dates = [row["date"].isoformat() for row in rows.orderBy("window_start").collect()]
    assert dates == ["2026-01-05", "2026-01-06"]


def test_what_is_not_closed_is_no_gap(spark: SparkSession) -> None:
    # 09:03 is half over: it may get its tick yet.
    reach = Reach(minute(0), minute(6), closed=minute(3) + 30)
    rows = spaced(spark, [bar(0, 10), bar(5, 11, is_final=False)], reach)
    assert gaps(rows) == {("a", "1m", 1), ("a", "1m", 2)}
    assert [row["is_final"] for row in rows] == [True, True, True, False]


def test_gaps_are_made_of_what_follows_from_the_change_alone(spark: SparkSession) -> None:
    # The bar of 09:00 is only looked back at: what lies between has its gaps since long.
    rows = spaced(spark, [bar(0, 10)], closed_through(8, first=2))
    assert gaps(rows) == {("a", "1m", 2), ("a", "1m", 3)}


def test_a_changed_bar_has_gaps_behind_the_end_of_the_change(spark: SparkSession) -> None:
    rows = spaced(spark, [bar(1, 10)], Reach(minute(1), minute(2), closed=minute(20)))
    assert gaps(rows) == {("a", "1m", number) for number in (2, 3, 4)}
    followed = Reach(minute(1), minute(3), closed=minute(20), is_followed=True)
    assert gaps(spaced(spark, [bar(1, 10)], followed)) == {("a", "1m", 2)}


def test_coins_and_intervals_have_gaps_of_their_own(spark: SparkSession) -> None:
    """A quarter of an hour of which a minute has a tick is no gap, though its other minutes are."""
    bars = [bar(0, 10), bar(0, 10, interval="15m"), bar(0, 7, coin="b"), bar(1, 7, coin="b")]
    rows = spaced(spark, bars, closed_through(46), "1m", "15m")
    expected = {("a", "1m", number) for number in (1, 2, 3)} | {("b", "1m", number) for number in (2, 3, 4)}
    assert gaps(rows) == expected | {("a", "15m", 1), ("a", "15m", 2)}


def test_behind_a_point_of_a_history_there_is_no_gap(spark: SparkSession) -> None:
    bars = [bar(0, 10, origin="history"), bar(3, 10), bar(5, 10, origin="history"), bar(9, 11, origin="history")]
    assert gaps(spaced(spark, bars, closed_through(12))) == {("a", "1m", 4)}


def test_behind_candles_there_is(spark: SparkSession) -> None:
    bars = [candle(0, 10), candle(0, 10, origin="rolled_candles", coin="b"), candle(2, 11)]
    found = gaps(spaced(spark, bars, closed_through(4)))
    assert found == {("a", "1m", 1), ("a", "1m", 3), ("b", "1m", 1), ("b", "1m", 2), ("b", "1m", 3)}


def test_without_bars_there_are_no_gaps(spark: SparkSession) -> None:
    assert spaced(spark, [], closed_through(12)) == []
