"""The sink of the stream: what a micro-batch closes, what it finalises, and what it finds that a backfill has left.

minute      09:00   09:01   09:02   09:03   09:04   09:05 ...
bitcoin     |100    |110    |       |       |       |
batch       |----- 0 ------|--- 1 --|------ 2 -------|
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.derive import derive, derive_new
from jobs.extent import Extent, extent_of
from jobs.schema import OK
from jobs.sink import BarSink, Place, _derived
from jobs.tables import append_ticks, create_tables, final_through_s, read_bars, upsert_bars
from jobs.window import base_bars
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings
from tests.conftest import MakeSettings
from tests.support.conflict import conflict
from tests.support.rows import NINE, base_ticks, row, ticks_of
from tests.support.streaming import csv_tree

NINE_S = int(NINE.timestamp())


@pytest.fixture
def settings(spark: SparkSession, make_settings: MakeSettings) -> Settings:
    """Minutes and five minutes, and a look back at three windows."""
    few = ["bars=2", "rsi_bars=2", "anomaly_bars=3", "lookback_bars=5"]
    made = make_settings("job.intervals=[5m]", *(f"job.indicators.{each}" for each in few))
    create_tables(spark, made.job)
    return made


def at(minute: int, second: int = 0) -> datetime:
    return NINE + timedelta(minutes=minute, seconds=second)


def bars(spark: SparkSession, *ticks: tuple[str, datetime, float]) -> DataFrame:
    rows = [
        {"coin_id": coin, "event_time": time, "tick_id": int(time.timestamp()), "price": price}
        for coin, time, price in ticks
    ]
    return base_bars(base_ticks(spark, rows), interval="1m", seconds=60)


def close(sink: BarSink, closed: DataFrame, *, minute: int, batch: int = 0) -> None:
    end = NINE_S + minute * 60
    there = extent_of(closed) or Extent(end, end, 0)
    sink.close(closed, replace(there, end=end), txn=("query", batch))


def stored(spark: SparkSession, settings: Settings, interval: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    minute = ((f.unix_seconds("window_start") - NINE_S) / 60).cast("int").alias("minute")
    rows = read_bars(spark, settings.job).filter(f.col("interval") == interval)
    found = rows.select("coin_id", minute, "close", "is_final", "revision").collect()
    return {(each["coin_id"], each["minute"]): (each["close"], each["is_final"], each["revision"]) for each in found}


def test_a_longer_window_becomes_final_with_the_clock_and_without_a_bar(
    spark: SparkSession, settings: Settings
) -> None:
    sink = BarSink(settings, 0)
    close(sink, bars(spark, ("bitcoin", at(0), 100.0), ("bitcoin", at(1), 110.0)), minute=2)
    assert stored(spark, settings, "5m") == {("bitcoin", 0): (110.0, False, 0)}
    assert not [key for key in csv_tree(settings) if "interval=5m" in key]

    # Another sink takes up where the mark is, as after a restart.
    again = BarSink(settings, NINE_S + 120)
    close(again, bars(spark), minute=5, batch=1)
    assert stored(spark, settings, "5m") == {("bitcoin", 0): (110.0, True, 0)}
    assert [key for key in csv_tree(settings) if "interval=5m" in key]
    gaps = {key: value for key, value in stored(spark, settings, "1m").items() if value[0] is None}
    assert gaps == {("bitcoin", minute): (None, True, 0) for minute in (2, 3, 4)}


def test_base_bars_are_files_before_longer_ones_are_made_and_a_crash_in_between_is_made_up_for(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window closes alone, and with it five minutes: the stream keeps up."""
    sink = BarSink(settings, NINE_S + 240)
    last = bars(spark, ("bitcoin", at(4), 110.0))

    def upsert(*args: Any, **kwargs: Any) -> None:
        if csv_tree(settings):
            raise RuntimeError("killed")
        upsert_bars(*args, **kwargs)

    monkeypatch.setattr("jobs.sink.upsert_bars", upsert)
    with pytest.raises(RuntimeError, match="killed"):
        close(sink, last, minute=5)
    monkeypatch.undo()
    assert list(csv_tree(settings)) == ["interval=1m/date=2026-01-05/hour=09/bars.csv"]
    assert stored(spark, settings, "5m") == {}

    # The batch comes again.
    close(BarSink(settings, NINE_S + 240), last, minute=5)
    assert stored(spark, settings, "1m") == {("bitcoin", 4): (110.0, True, 0)}
    assert stored(spark, settings, "5m") == {("bitcoin", 0): (110.0, True, 0)}
    assert len(csv_tree(settings)) == 2


def test_only_a_window_that_closes_alone_takes_two_steps_and_its_first_goes_first(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, seen = BarSink(settings, 0), list[tuple[object, bool]]()

    def upsert(*args: Any, txn: tuple[str, int], **kwargs: Any) -> None:
        seen.append((txn, sink.way.give(patience_seconds=0)))
        upsert_bars(*args, txn=txn, **kwargs)

    monkeypatch.setattr("jobs.sink.upsert_bars", upsert)
    close(sink, bars(spark, ("bitcoin", at(0), 100.0), ("bitcoin", at(1), 110.0)), minute=2)
    close(sink, bars(spark, ("bitcoin", at(2), 120.0)), minute=3, batch=1)
    assert seen == [(("query", 0), True), (("query", 1), False), (("query-longer", 1), True)]


def test_only_a_window_of_which_nothing_is_stored_is_taken_for_new(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Callable[..., DataFrame]] = []

    def seen(make: Callable[..., DataFrame]) -> Callable[..., DataFrame]:
        def call(*args: Any) -> DataFrame:
            made.append(make)
            return make(*args)

        return call

    for each in (derive, derive_new):
        monkeypatch.setattr(f"jobs.sink.{each.__name__}", seen(each))
    close(BarSink(settings, NINE_S), bars(spark, ("bitcoin", at(0), 100.0)), minute=1)
    close(BarSink(settings, NINE_S + 60), bars(spark, ("bitcoin", at(1), 110.0)), minute=2, batch=1)
    close(BarSink(settings, NINE_S + 60), bars(spark, ("ethereum", at(1), 5.0)), minute=2, batch=2)
    assert made == [derive_new, derive_new, derive]
    assert len(stored(spark, settings, "1m")) == 3


def test_what_is_still_to_write_under_a_transaction_that_is_done_is_written(
    spark: SparkSession, settings: Settings
) -> None:
    """It was committed, another writer had been in between, and a crash came before it was made once more."""
    close(BarSink(settings, NINE_S), bars(spark, ("bitcoin", at(0), 100.0)), minute=1)
    close(BarSink(settings, NINE_S), bars(spark, ("bitcoin", at(0), 100.0), ("ethereum", at(0), 5.0)), minute=1)
    assert stored(spark, settings, "1m").keys() == {("bitcoin", 0), ("ethereum", 0)}


def test_gaps_are_told_up_to_the_window_that_a_stream_beside_is_about_to_close(
    spark: SparkSession, settings: Settings
) -> None:
    """Its base bars are final, what is longer is being made, and the checkpoint does not say yet that it is closed.

    minute      09:02   09:03   09:04 |
    bitcoin                     |#    | by the stream
    cardano     |#      |-      |-    | by a backfill
    """
    horizon = (NINE_S + 240, NINE_S + 300)
    sink = BarSink(settings, *horizon, look=lambda: horizon)
    place = Place(NINE_S + 120, NINE_S + 180)
    sink.rewrite(bars(spark, ("cardano", at(2), 1.0)), place)
    assert sink.follow(place) is None
    found = {minute: close for (_, minute), (close, *_) in stored(spark, settings, "1m").items()}
    assert found == {2: 1.0, 3: None, 4: None}


def test_what_a_backfill_left_in_an_open_window_is_taken_from_ticks(spark: SparkSession, settings: Settings) -> None:
    ticks = [row(1, tick_id=1, price=100.0, event_time=at(0, 1)), row(2, tick_id=2, price=90.0, event_time=at(0, 2))]
    append_ticks(ticks_of(spark, [ticks[0], ticks[1] | {"added_by": "late", "reason": "late_taken_in"}]), settings.job)
    both = base_bars(ticks_of(spark, ticks).filter(f.col("status") == OK), interval="1m", seconds=60)
    BarSink(settings, NINE_S).rewrite(both, Place(NINE_S, NINE_S + 60))
    assert stored(spark, settings, "1m") == {("bitcoin", 0): (90.0, False, 0)}

    # The stream knows of the first alone.
    close(BarSink(settings, NINE_S), bars(spark, ("bitcoin", at(0, 1), 100.0)), minute=1)
    assert stored(spark, settings, "1m") == {("bitcoin", 0): (90.0, True, 0)}
    [bar] = read_bars(spark, settings.job).filter("interval = '1m'").select("tick_count", "late_count").collect()
    assert (bar["tick_count"], bar["late_count"]) == (2, 1)


def test_what_a_backfill_made_final_while_the_stream_stood_still_stays_so(
    spark: SparkSession, settings: Settings
) -> None:
    first = bars(spark, ("bitcoin", at(0), 100.0))
    BarSink(settings, NINE_S + 600).rewrite(first, Place(NINE_S, NINE_S + 60))
    # The stream starts again where it was: at 09:01, with 09:05 still to close.
    sink = BarSink(settings, NINE_S + 60, final_s=NINE_S + 600)
    close(sink, bars(spark, ("bitcoin", at(1), 110.0)), minute=2, batch=1)
    assert stored(spark, settings, "5m")["bitcoin", 0] == (110.0, True, 1)
    assert sink.closed_s == NINE_S + 120


def test_what_is_final_in_the_table_stays_so_for_a_stream_with_an_empty_checkpoint(
    spark: SparkSession, settings: Settings
) -> None:
    """It begins at 09:00 once more, where everything up to 09:10 is final."""
    assert final_through_s(spark, settings.job) == 0
    ticks = [("bitcoin", at(minute), 100.0 + minute) for minute in range(8)]
    BarSink(settings, NINE_S + 600).rewrite(bars(spark, *ticks), Place(NINE_S, NINE_S + 600))
    before, tree = stored(spark, settings, "5m"), csv_tree(settings)
    assert final_through_s(spark, settings.job) == NINE_S + 600
    sink = BarSink(settings, 0, final_through_s(spark, settings.job))
    close(sink, bars(spark, *ticks[:7]), minute=7)
    assert (stored(spark, settings, "5m"), csv_tree(settings)) == (before, tree)


def test_gaps_go_from_the_table_and_from_the_files_where_there_are_none_any_more(
    spark: SparkSession, settings: Settings
) -> None:
    """Behind a point of a fetched history there are no gaps, and the next hour holds nothing else.

    minute      09:58   09:59   10:00   10:01   10:02
    ticks       |#      |-      |-      |-      |-
    points               #
    """
    settings = settings.model_copy(update={"job": settings.job.model_copy(update={"csv_gaps": True})})
    sink = BarSink(settings, NINE_S + 65 * 60)
    place = Place(NINE_S + 58 * 60, NINE_S + 59 * 60)
    sink.rewrite(bars(spark, ("bitcoin", at(58), 100.0)), place)
    hour = "interval=1m/date=2026-01-05/hour=10/bars.csv"
    assert csv_tree(settings)[hour].count(b"\n") == 4

    point = bars(spark, ("bitcoin", at(59), 101.0)).withColumn("origin", f.lit("history"))
    sink.rewrite(point, replace(place, first=NINE_S + 59 * 60, end=NINE_S + 60 * 60))
    assert stored(spark, settings, "1m").keys() == {("bitcoin", 58), ("bitcoin", 59)}
    assert csv_tree(settings)[hour].count(b"\n") == 1
    assert pd.read_csv(Path(settings.job.csv) / hour).empty


def test_another_writer_in_between_is_seen_and_the_bars_are_made_once_more(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The minute before comes while this one is being written: its return must be against it all the same."""
    others = [bars(spark, ("bitcoin", at(0), 100.0))]

    def upsert(*args: Any, **kwargs: Any) -> None:
        if others:
            BarSink(settings, NINE_S + 60).rewrite(others.pop(), Place(NINE_S, NINE_S + 60))
        upsert_bars(*args, **kwargs)

    monkeypatch.setattr("jobs.sink.upsert_bars", upsert)
    # In a partition of its own, or the conflict would be seen by the table's log.
    close(BarSink(settings, NINE_S + 60), bars(spark, ("bitcoin", at(1), 110.0)), minute=2)
    [bar] = read_bars(spark, settings.job).filter("interval = '1m' AND close = 110").select("log_return").collect()
    assert bar["log_return"] == pytest.approx(0.0953101798)


def test_what_is_made_once_more_is_not_taken_for_the_same_transaction(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First another writer was in between, then Delta sees a conflict: only the first commit had the number."""
    numbers: list[object] = []

    def upsert(*args: Any, txn: tuple[str, int] | None, **kwargs: Any) -> None:
        numbers.append(txn)
        if len(numbers) == 2:
            raise conflict(spark)
        upsert_bars(*args, txn=txn, **kwargs)

    outruns = iter([True])
    monkeypatch.setattr("jobs.sink.upsert_bars", upsert)
    monkeypatch.setattr("jobs.sink.was_outrun", lambda *_: next(outruns, False))
    # What is stored is another's after the first time.
    derived = iter([_derived])
    monkeypatch.setattr("jobs.sink._derived", lambda *args: next(derived, _all_new)(*args))
    close(BarSink(settings, NINE_S), bars(spark, ("bitcoin", at(0), 100.0)), minute=1)
    assert numbers == [("query", 0), None, None]


def _all_new(work: Any, stored: DataFrame, job: JobSettings) -> DataFrame:
    return _derived(work, stored.limit(0), job)


def test_a_micro_batch_that_is_replayed_changes_nothing(spark: SparkSession, settings: Settings) -> None:
    sink = BarSink(settings, 0)
    batch = bars(spark, ("bitcoin", at(0), 100.0), ("bitcoin", at(1), 110.0))
    close(sink, batch, minute=5)
    before, tree = stored(spark, settings, "1m"), csv_tree(settings)
    close(BarSink(settings, 0), batch, minute=5)
    assert (stored(spark, settings, "1m"), csv_tree(settings)) == (before, tree)


def test_a_coin_that_falls_silent_is_stale_until_it_has_a_price_again(spark: SparkSession, settings: Settings) -> None:
    sink = BarSink(settings, 0)
    regular = [("bitcoin", at(0, second), 100.0 + second) for second in range(0, 60, 10)]
    close(sink, bars(spark, *regular, ("ethereum", at(0, 30), 5.0)), minute=1)
    assert sink.stale == frozenset()
    # Ten seconds apart, and then nothing for a minute and ten seconds. One tick of the other tells no spacing.
    close(sink, bars(spark), minute=2, batch=1)
    assert sink.stale == {"bitcoin/usd"}
    close(sink, bars(spark, ("bitcoin", at(2, 55), 100.0)), minute=3, batch=2)
    assert sink.stale == frozenset()


def test_what_goes_wrong_when_nobody_waits_any_more_ends_nothing(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is away")

    monkeypatch.setattr("jobs.sink.look_ahead", fail)
    BarSink(settings, NINE_S).look_ahead(spark)
    assert "the disk is away" in caplog.text
