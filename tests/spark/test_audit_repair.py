"""What a repair makes anew, and what it leaves as it is, because nobody could make it again."""

import json
from datetime import timedelta
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.audit_files import compare_files
from jobs.audit_model import Accounting, Audit, Completeness
from jobs.audit_repair import repair_lake
from jobs.audit_scope import Dates, read_scope
from jobs.backfill import rebuild_range
from jobs.checkpoint import open_checkpoint
from jobs.consistency import check_consistency
from jobs.days import Range
from jobs.publish import CSV_COLUMNS
from jobs.storage import spark_path
from jobs.tables import append_ticks, create_tables, read_bars
from pricestream.settings import Settings
from tests.conftest import MakeSettings
from tests.support.bars import bars_frame, candle
from tests.support.rows import NINE, row, ticks_of
from tests.support.streaming import csv_tree

FIFTH = Range.parse("2026-01-05", "2026-01-06")
HEADER = f"{','.join(CSV_COLUMNS)}\n".encode()


def land(spark: SparkSession, settings: Settings, *minutes: int) -> None:
    """Add a tick to these minutes behind nine o'clock."""
    create_tables(spark, settings.job)
    polls = [NINE + timedelta(minutes=minute) for minute in minutes]
    rows = [row(seq, polled=polled, price=100.0 + seq) for seq, polled in enumerate(polls, start=1)]
    append_ticks(ticks_of(spark, rows), settings.job)


def lose_bars(spark: SparkSession, settings: Settings, condition: str) -> None:
    DeltaTable.forPath(spark, spark_path(settings.job.bars)).delete(condition)


def place(settings: Settings, key: str, data: bytes) -> str:
    path = Path(settings.job.csv) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return key


def look(spark: SparkSession, settings: Settings) -> Audit:
    """Audit bars and files alone, which is half of the time."""
    scope = read_scope(spark, settings, Dates())
    return Audit(scope, Completeness(), Accounting(), check_consistency(spark, settings, scope))


def bars_of(spark: SparkSession, settings: Settings) -> list[str]:
    return sorted(str(each) for each in read_bars(spark, settings.job).filter("NOT gap").collect())


def test_a_repair_makes_anew_what_it_can_and_takes_nothing_that_it_can_not(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    settings = make_settings("job.intervals=[1d]")
    # The evening before, then nine to half past twelve; behind each a hundred minutes of gaps, which are no lines of a
    # file.
    land(spark, settings, -600, 1, 30, 210)
    rebuild_range(spark, settings, Range.parse("2026-01-04", "2026-01-06"), [])
    bars, tree = bars_of(spark, settings), csv_tree(settings)
    nine, twelve = (f"interval=1m/date=2026-01-05/hour={hour}/bars.csv" for hour in ("09", "12"))
    # Then a stream that has stopped, and had closed no more than half of the day, whose bar is final and looks back.
    closed_s = int(NINE.timestamp()) + 215 * 60
    open_checkpoint(settings).mark_closed(closed_s)
    # A date whose bars retention took, before somebody chose to keep bars for ever; a file that holds nothing any more;
    # and one that says other than the table, which knows that this hour had no tick.
    old = place(settings, "interval=1m/date=2024-01-01/hour=03/bars.csv", tree[nine])
    empty = place(settings, "interval=1m/date=2026-01-05/hour=20/bars.csv", HEADER)
    wrong = place(settings, "interval=1m/date=2026-01-05/hour=10/bars.csv", tree[nine])
    # The bars of a whole file are gone, while its ticks and the file are there.
    lose_bars(spark, settings, "interval = '1m' AND hour(window_start) = 12")
    found = look(spark, settings)
    kinds = {old: "without bars", wrong: "unfounded", twelve: "without bars"}
    assert {each.key: each.kind for each in found.consistency.file_differences} == kinds

    assert repair_lake(spark, settings, found).bars == 3
    [left] = compare_files(spark, settings, found.scope).differences
    assert (left.key, left.kind) == (old, "without bars")
    assert csv_tree(settings) == tree | {old: tree[nine], empty: HEADER, wrong: HEADER}
    assert bars_of(spark, settings) == bars


def test_what_may_be_on_its_way_is_told_by_the_checkpoint_and_not_by_a_killed_stream(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    settings = make_settings()
    create_tables(spark, settings.job)
    status = {"state": "running", "bars": {"watermark_ms": 7_000}}
    Path(settings.job.status_file).write_text(json.dumps(status))
    assert read_scope(spark, settings, Dates(), alone=True).polls_until_ms is None
    open_checkpoint(settings).store.write("bars/metadata", b"{}")
    open_checkpoint(settings).mark_closed(7)
    scope = read_scope(spark, settings, Dates(), alone=True)
    assert (scope.is_running, scope.polls_until_ms) == (False, 7_000)


def test_a_rebuild_publishes_days_that_have_bars_and_no_ticks(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings("job.intervals=[]")
    create_tables(spark, settings.job)
    candles = bars_frame(spark, [candle(number, 5.0, coin=coin) for coin in ("a", "b") for number in range(2)])
    candles.write.format("delta").mode("append").save(settings.job.bars)
    assert rebuild_range(spark, settings, FIFTH, ["a"]) == 0
    [(key, data)] = csv_tree(settings).items()
    # The whole file, with both coins: a header and two lines of each.
    assert (key, data.count(b"\n")) == ("interval=1m/date=2026-01-05/hour=09/bars.csv", 5)
