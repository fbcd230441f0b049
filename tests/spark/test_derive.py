"""What follows from new bars is the same whether they come all at once, in batches, or late.

minute      09:00 .......... 09:15 .......... 09:30 ............
at once     |# # - # - - # # - # # - - - # # # # - # #|
in batches  |# # - #|- - # # - # #|- - - # # # # - # #|   each laid over what is stored
and late    |# # - # - - # # - # # - - - # # # # - # #|
                        |#|          |#|                  the same as if they had been there
"""

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.derive import derive, derive_longer, derive_new
from jobs.reach import Frame, Reach, Span, base_alone, longer_alone, made_spans, read_spans
from jobs.schema import BARS, ORIGINS, ROW_KEY
from pricestream.indicator_settings import IndicatorSettings
from pricestream.job_settings import JobSettings
from tests.support.bars import NINE_S, Bar, bar, bars_frame, bars_in, candle, number_of

SMALL: Final = JobSettings(
    intervals=["5m", "15m"],
    indicators=IndicatorSettings(bars=3, rsi_bars=2, anomaly_bars=3, lookback_bars=5),
)
#: An hour fills in steps of five minutes.
WITH_HOURS: Final = SMALL.model_copy(update={"intervals": ["5m", "15m", "1h"]})

Key = tuple[Any, ...]


def key_of(row: Bar) -> Key:
    return tuple(row[name] for name in ROW_KEY)


def minute(number: int) -> int:
    return NINE_S + number * 60


def is_in(row: Bar, spans: Iterable[Span]) -> bool:
    start = row["window_start"] // 1_000_000
    return any(row["interval"] == each.interval and each.first <= start < each.end for each in spans)


class Table:
    """The ``bars`` table in a dictionary, and what the sink does to it. Minutes are counted from nine."""

    def __init__(self, spark: SparkSession, job: JobSettings = SMALL, *, is_base_first: bool = False) -> None:
        self.spark = spark
        self.job = job
        self.is_base_first = is_base_first
        self.rows: dict[Key, Bar] = {}
        self.closed = 0

    def close(self, bars: list[Bar], through: int) -> list[Bar]:
        """Lay bars over what is there, as a micro-batch does that has closed the minutes before ``through``."""
        starts = [each["window_start"] // 1_000_000 for each in bars]
        first = min([*starts, minute(self.closed or through)])
        self.closed = max(self.closed, through)
        return self.derive(bars, Reach(first, minute(through), minute(self.closed), is_in_steps=True))

    def rewrite(self, bars: list[Bar], first: int, end: int, *, is_followed: bool = False) -> list[Bar]:
        """Lay bars over what is there, as a backfill does."""
        return self.derive(bars, Reach(minute(first), minute(end), minute(self.closed), is_followed))

    def derive(self, bars: list[Bar], reach: Reach) -> list[Bar]:
        """Give the rows that are made, and put those into the table that it lacks."""
        frames = reach.frames(self.job.all_intervals, lookback=self.job.indicators.lookback_bars)
        if not self.is_base_first:
            return self.lay(bars, frames, reach)
        return self.lay(bars, base_alone(frames), reach) + self.lay(None, longer_alone(frames), reach)

    def lay(self, bars: list[Bar] | None, frames: Sequence[Frame], reach: Reach) -> list[Bar]:
        """Make what some frames hold, in one step."""
        stored = [row for row in self.rows.values() if is_in(row, read_spans(frames))]
        made = self.derived(bars, stored, frames, reach)
        assert made.drop("change", "is_disputed").schema.simpleString() == BARS.simpleString()
        rows = bars_in(made)
        assert len({key_of(row) for row in rows}) == len(rows)
        for row in rows:
            assert is_in(row, made_spans(frames)), "the upsert looks for it elsewhere"
            self._check_change(row, self.rows.get(key_of(row)))
        for row in rows:
            if row["change"] == "gone":
                assert self.rows.pop(key_of(row))["gap"]
            elif row["change"] != "same":
                self.rows[key_of(row)] = table_row(row)
        return rows

    def derived(self, bars: list[Bar] | None, stored: list[Bar], frames: Sequence[Frame], reach: Reach) -> DataFrame:
        there = bars_frame(self.spark, stored)
        if bars is None:
            return derive_longer(there, frames, reach, self.job)
        is_known = len(frames) > 1 or any(is_in(row, made_spans(frames)) for row in stored)
        make = derive if is_known else derive_new
        return make(bars_frame(self.spark, bars), there, frames, reach, self.job)

    def _check_change(self, row: Bar, old: Bar | None) -> None:
        new = table_row(row)
        if row["change"] == "gone":
            return
        if old is None:
            assert (row["change"], row["revision"]) == ("new", 0)
            return
        is_same = without_revision(new) == without_revision(old)
        assert row["change"] == ("same" if is_same else "changed"), (new, old)
        assert row["revision"] - old["revision"] == (0 if is_same or not old["is_final"] else 1), (new, old)

    def content(self) -> dict[Key, Bar]:
        """All rows, without how often they changed."""
        return {key: without_revision(row) for key, row in self.rows.items()}

    def row(self, number: int, interval: str = "1m", coin: str = "a") -> Bar:
        [found] = [
            row
            for row in self.rows.values()
            if (row["coin_id"], row["interval"], number_of(row)) == (coin, interval, number)
        ]
        return found

    def revisions(self, interval: str = "1m") -> dict[int, int]:
        return {number_of(row): row["revision"] for row in self.rows.values() if row["interval"] == interval}


def table_row(row: Bar) -> Bar:
    return {name: value for name, value in row.items() if name not in ("change", "is_disputed")}


def without_revision(row: Bar) -> Bar:
    return {name: value for name, value in row.items() if name != "revision"}


@pytest.fixture
def table(spark: SparkSession) -> Table:
    return Table(spark)


# --- the property ---------------------------------------------------------------------------------------------------

MINUTES: Final = 80


def a_bar(source: random.Random, number: int, coin: str, origin: str, interval: str = "1m") -> Bar:
    """Make a bar whose numbers are like those of real ones."""
    prices = [round(100 * source.lognormvariate(0, 0.05), 2) for _ in range(source.randint(1, 4))]
    values: Bar = {"open": prices[0], "high": max(prices), "low": min(prices), "return_pct": source.uniform(-5, 5)}
    if origin == "candles":
        return candle(number, prices[-1], coin=coin, interval=interval, **values)
    start = minute(number) * 1_000_000
    values |= {"first_tick_at": start + source.randrange(30_000_000), "last_tick_at": start + 59_000_000}
    values |= {"tick_count": len(prices), "mean": sum(prices) / len(prices), "stddev": source.random()}
    return bar(number, prices[-1], coin=coin, origin=origin, **values)


def on_time(seed: int) -> list[Bar]:
    """Bars as they come: coins that are seldom or often there, of ticks, of candles and of both."""
    source = random.Random(seed)
    bars = []
    for number in range(30):
        coin, density = f"c{number:02d}", source.choice([0.05, 0.3, 0.6, 0.95])
        origins = source.choice([["ticks"], ["ticks"], ["candles"], ["history"], ["ticks", "candles", "history"]])
        there = [at for at in range(2, MINUTES) if source.random() < density]
        bars += [a_bar(source, at, coin, source.choice(origins)) for at in there]
        if source.random() < 0.4:
            bars += [a_bar(source, at, coin, "candles", "15m") for at in range(5) if source.random() < 0.6]
    return bars


def late(seed: int) -> list[Bar]:
    """Bars that come when their window has long been closed, in gaps and over other bars."""
    source = random.Random(seed + 1)
    bars: dict[Key, Bar] = {}
    for _ in range(60):
        coin, origin = f"c{source.randrange(32):02d}", source.choice(["ticks", "ticks", "candles"])
        made = a_bar(source, source.randrange(MINUTES), coin, origin)
        bars[key_of(made)] = made
    for number in range(10):
        made = a_bar(source, source.randrange(5), f"c{number:02d}", "candles", "15m")
        bars[key_of(made)] = made
    return list(bars.values())


def in_range(bars: list[Bar], first: int, end: int) -> list[Bar]:
    """Those that end in minutes ``(first, end]``: a batch has what has closed."""
    return [each for each in bars if minute(first) < each["window_end"] // 1_000_000 <= minute(end)]


def starting_in(bars: list[Bar], first: int, end: int) -> list[Bar]:
    return [each for each in bars if minute(first) <= each["window_start"] // 1_000_000 < minute(end)]


def laid_over(bars: list[Bar], others: list[Bar]) -> list[Bar]:
    """Take one bar of each window: that of the finer origin, or else of ``bars``."""
    taken = {key_of(each): each for each in others}
    for each in bars:
        other = taken.get(key_of(each))
        if other is None or ORIGINS.index(each["origin"]) <= ORIGINS.index(other["origin"]):
            taken[key_of(each)] = each
    return list(taken.values())


def at_once(spark: SparkSession, *ways: list[Bar], job: JobSettings = SMALL) -> list[dict[Key, Bar]]:
    """Give the rows that each way's bars end in, each way's by themselves."""
    table = Table(spark, job)
    table.closed = MINUTES
    apart = [each | {"vs_currency": str(number)} for number, bars in enumerate(ways) for each in bars]
    table.rewrite(apart, 0, MINUTES)
    found: list[dict[Key, Bar]] = [{} for _ in ways]
    for row in table.content().values():
        in_dollars = row | {"vs_currency": "usd"}
        found[int(row["vs_currency"])][key_of(in_dollars)] = in_dollars
    return found


def assert_same(found: dict[Key, Bar], expected: dict[Key, Bar]) -> None:
    assert found.keys() - expected.keys() == set()
    assert expected.keys() - found.keys() == set()
    different = {key: (found[key], row) for key, row in expected.items() if found[key] != row}
    assert different == {}


@pytest.mark.parametrize(
    ("cuts", "seed", "is_backwards"),
    [
        pytest.param([13, 44], 1, False, id="late bars day by day"),
        pytest.param([22, 61], 2, True, id="late bars from behind, each piece for itself"),
    ],
)
def test_in_batches_and_with_late_bars_it_ends_in_the_same_rows(
    spark: SparkSession, cuts: list[int], seed: int, is_backwards: bool
) -> None:
    pieces = list(pairwise([0, *cuts, MINUTES]))
    table, bars, after = Table(spark, WITH_HOURS), on_time(seed), late(seed)
    in_time, with_late = at_once(spark, bars, laid_over(after, bars), job=WITH_HOURS)
    for first, end in pieces:
        table.close(in_range(bars, first, end), end)
    assert_same(table.content(), in_time)
    for first, end in reversed(pieces) if is_backwards else pieces:
        is_followed = end < MINUTES and not is_backwards
        table.rewrite(starting_in(after, first, end), first, end, is_followed=is_followed)
    assert_same(table.content(), with_late)


def test_base_bars_first_and_longer_ones_from_what_is_stored_end_in_the_same_rows(spark: SparkSession) -> None:
    bars = [each for each in on_time(3) if each["interval"] == "1m"]
    table, [expected] = Table(spark, WITH_HOURS, is_base_first=True), at_once(spark, bars, job=WITH_HOURS)
    for first, end in pairwise([0, 16, 59, MINUTES]):
        table.close(in_range(bars, first, end), end)
    assert_same(table.content(), expected)


def test_the_same_again_changes_nothing(spark: SparkSession) -> None:
    bars, table = on_time(5), Table(spark)
    table.closed = MINUTES
    table.rewrite(bars, 0, MINUTES)
    again = table.rewrite(bars, 0, MINUTES)
    assert {row["change"] for row in again} == {"same"}
    assert not any(row["is_disputed"] for row in again)


# --- one by one -----------------------------------------------------------------------------------------------------


def test_what_follows_from_one_bar(table: Table) -> None:
    """
    minute  09:00  01   02   03   04  | 05   06 ... closed at 09:07
    1m      |10    |-   |-   |-   |-  |.    |.      gaps up to the lookback
    5m      |10 ......................|-
    15m     |10 ........................... still filling
    """
    table.close([bar(0, 10)], 7)
    found = {(row["interval"], number_of(row)): (row["gap"], row["is_final"]) for row in table.rows.values()}
    expected = {("1m", 0): (False, True), ("5m", 0): (False, True), ("15m", 0): (False, False)}
    assert found == expected | {("1m", number): (True, True) for number in range(1, 5)}
    table.close([], 10)
    assert table.row(1, "5m")["gap"]
    table.close([], 15)
    assert table.row(0, "15m")["is_final"]
    assert {row["revision"] for row in table.rows.values()} == {0}


def test_a_window_fills_in_steps(spark: SparkSession) -> None:
    """
    closed  09:01  09:04  09:06  09:09  09:10 ... 09:59  10:00
    5m      #1     #4     |#6    #9     #10       #59    |#60     with each bar
    1h      .      .      #6     .      #10       .      #60      with each five minutes, and when it closes
    """
    table, seen = Table(spark, WITH_HOURS), []
    before = 0
    for through in (1, 4, 6, 9, 10, 59, 60):
        table.close([bar(number, 10 + number) for number in range(before, through)], through)
        hour = [row["close"] for row in table.rows.values() if row["interval"] == "1h"]
        seen.append((table.row((through - 1) // 5, "5m")["close"], *hour))
        before = through
    assert seen == [(10,), (13,), (15, 15), (18, 15), (19, 19), (68, 68), (69, 69)]
    assert table.row(0, "1h")["is_final"]


def test_a_gap_that_gets_its_bar_goes_up_a_revision_and_so_does_what_looks_back_at_it(table: Table) -> None:
    """
    minute  09:00  01   02   03   04   05   06   07   08   09 | closed
    before  |#     |-   |-   |#   |#   |#   |#   |#   |#   |#
    now     |#     |#   |-   |#   |#   |#   |#   |#   |#   |#
    """
    closes = [100.0, 101.0, 99.5, 100.5, 101.5, 100.0, 99.0, 100.0, 101.0, 102.0]
    there = [bar(number, close) for number, close in enumerate(closes) if number not in (1, 2)]
    table.close(there, 10)
    table.rewrite([bar(1, closes[1])], 1, 2)
    filled = table.row(1)
    assert (filled["gap"], filled["close"], filled["tick_count"], filled["revision"]) == (False, 101.0, 1, 1)
    assert filled["log_return"] == pytest.approx(0.00995033085, rel=1e-8)
    # The lookback is 5: 09:05 is the last that sees 09:01. In the gap it can be told now that nothing is stale.
    revisions = table.revisions()
    assert [revisions[number] for number in range(10)] == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert table.row(2)["stale"] is False
    assert table.revisions("5m") == {0: 1, 1: 0}
    # It is still filling: what changes before it is final is no revision.
    assert table.revisions("15m") == {0: 0}
    assert table.row(0, "15m")["tick_count"] == 9


def test_the_finer_origin_stands_whichever_comes_first(spark: SparkSession) -> None:
    """Each pair of origins in either order is a coin of its own; the second says something else of the minute."""
    before = {"ticks": bar(1, 10), "history": bar(1, 20, origin="history"), "candles": candle(1, 30)}
    after = {"ticks": bar(1, 11), "history": bar(1, 21, origin="history"), "candles": candle(1, 31)}
    pairs = [(first, second) for first in before for second in after]
    table = Table(spark)
    table.close([before[first] | {"coin_id": f"{first} {second}"} for first, second in pairs], 15)
    rows = table.rewrite([after[second] | {"coin_id": f"{first} {second}"} for first, second in pairs], 0, 15)
    rolled = {"ticks": "ticks", "history": "history", "candles": "rolled_candles"}
    for first, second in pairs:
        is_replaced = ORIGINS.index(second) <= ORIGINS.index(first)
        origin, close = (second, after[second]["close"]) if is_replaced else (first, before[first]["close"])
        row = table.row(1, coin=f"{first} {second}")
        assert (row["origin"], row["close"], row["revision"]) == (origin, close, int(is_replaced))
        for interval in ("5m", "15m"):
            row = table.row(0, interval, f"{first} {second}")
            assert (row["origin"], row["close"], row["revision"]) == (rolled[origin], close, int(is_replaced))
    # What is stored is made of ticks, and what would take its place says otherwise.
    disputed = {(row["interval"], row["coin_id"]) for row in rows if row["is_disputed"]}
    assert disputed == {("1m", "ticks ticks"), ("1m", "history ticks"), ("1m", "history history")}


def test_an_imported_candle_stays_beside_those_that_are_rolled_up(spark: SparkSession) -> None:
    imported = [candle(0, 77, interval="15m", open=70.0, high=80.0, low=60.0)]
    base, tick = [candle(number, 10 + number) for number in range(15)], [bar(3, 5)]
    # What is laid first, then what over it, and what stands of 15m and of 5m: (origin, close, revision).
    cases: dict[str, tuple[list[Bar], list[Bar], tuple[str, float, int], tuple[str, float, int]]] = {
        "base first": (base, imported, ("candles", 77.0, 1), ("rolled_candles", 14.0, 0)),
        "base last": (imported, base, ("candles", 77.0, 0), ("rolled_candles", 14.0, 0)),
        "at once": ([*base, *imported], [], ("candles", 77.0, 0), ("rolled_candles", 14.0, 0)),
        "a tick first": (tick, [*imported, *base], ("ticks", 5.0, 0), ("ticks", 5.0, 0)),
        "a tick last": ([*imported, *base], tick, ("ticks", 5.0, 1), ("ticks", 5.0, 1)),
    }
    table = Table(spark)
    table.close([each | {"coin_id": name} for name, case in cases.items() for each in case[0]], 15)
    table.rewrite([each | {"coin_id": name} for name, case in cases.items() for each in case[1]], 0, 15)
    for name, (_, _, quarter, five) in cases.items():
        rows = [table.row(0, interval, name) for interval in ("15m", "5m")]
        assert [(row["origin"], row["close"], row["revision"]) for row in rows] == [quarter, five], name


# --- the horizon of one writer may lie before that of another --------------------------------------------------------


def behind(table: Table, bars: list[Bar], first: int, end: int, *, closed: int) -> None:
    """Lay bars, by a writer that knows of less being closed than the table has."""
    table.derive(bars, Reach(minute(first), minute(end), minute(closed)))


def test_a_final_bar_stays_final(table: Table) -> None:
    bars = [bar(number, 10 + number) for number in range(4)]
    table.close(bars, 15)
    behind(table, [bar(3, 99)], 3, 4, closed=0)
    for number, interval in ((3, "1m"), (0, "5m"), (0, "15m")):
        row = table.row(number, interval)
        assert (row["is_final"], row["close"], row["revision"]) == (True, 99.0, 1)


def test_a_final_gap_that_gets_its_bar_stays_final(table: Table) -> None:
    """The hour has gaps already, made while the stream stood still, and the stream goes on in the midst of it."""
    table.close([bar(-1, 10)], 15)
    assert table.row(0, "15m")["gap"]
    behind(table, [bar(0, 11)], 0, 1, closed=1)
    row = table.row(0, "15m")
    assert (row["gap"], row["close"], row["is_final"]) == (False, 11.0, True)


# --- a history that comes late --------------------------------------------------------------------------------------


def test_a_late_point_of_a_history_ends_in_the_same_rows(spark: SparkSession) -> None:
    """Behind a point of a history there are no gaps, whether it was there from the start or not.

    minute  09:00  01  02  03  04
    ticks   |#     |-  |-  |-  |-
    point           #
    """
    table = Table(spark)
    table.close([bar(0, 10)], MINUTES)
    point = bar(1, 11, origin="history")
    table.rewrite([point], 1, 2)
    [expected] = at_once(spark, [bar(0, 10), point])
    assert_same(table.content(), expected)
