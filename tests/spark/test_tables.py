"""Upserts of bars, and the files that come of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.publish import CSV_COLUMNS, Partition, publish
from jobs.schema import BARS
from jobs.sink import BarSink, Place
from jobs.storage import spark_path
from jobs.tables import create_tables, look_ahead, newest_version, read_bars, upsert_bars, was_outrun
from jobs.window import base_bars
from pricestream.errors import StorageError
from pricestream.settings import Settings
from tests.support.conflict import conflict
from tests.support.rows import base_ticks

Ticks = list[tuple[str, str, float]]


def minutes(spark: SparkSession, ticks: Ticks) -> DataFrame:
    rows = [
        {
            "coin_id": coin,
            "event_time": datetime.fromisoformat(at).replace(tzinfo=UTC),
            "tick_id": number,
            "price": price,
        }
        for number, (coin, at, price) in enumerate(ticks)
    ]
    return base_bars(base_ticks(spark, rows), interval="1m", seconds=60)


def write(settings: Settings, bars: DataFrame) -> int:
    """Write bars of the two days, all of whose windows have closed."""
    return BarSink(settings, END_S).rewrite(bars, Place(START_S, END_S))


TICKS: Ticks = [
    ("bitcoin", "2026-01-05T09:58:10", 100.0),
    ("bitcoin", "2026-01-05T09:59:10", 110.0),
    ("ethereum", "2026-01-05T09:59:20", 1e-15),
    ("bitcoin", "2026-01-05T10:00:00", 121.0),
    ("bitcoin", "2026-01-06T00:00:00", 1e9),
]

START_S = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
#: The first window of the second day is the last that has closed.
END_S = START_S + 86_400 + 60

KEYS = [
    "interval=1m/date=2026-01-05/hour=09/bars.csv",
    "interval=1m/date=2026-01-05/hour=10/bars.csv",
    "interval=1m/date=2026-01-06/hour=00/bars.csv",
]


@pytest.fixture
def settings(spark: SparkSession, make_settings) -> Settings:  # type: ignore[no-untyped-def]
    made: Settings = make_settings("job.intervals=[]")
    create_tables(spark, made.job)
    return made


def tree(settings: Settings) -> dict[str, bytes]:
    root = Path(settings.job.csv)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def revisions(spark: SparkSession, settings: Settings) -> dict[tuple[str, str], int]:
    minute = f.date_format("window_start", "HH:mm").alias("minute")
    rows = read_bars(spark, settings.job).filter("NOT gap").select("coin_id", minute, "revision").collect()
    found = {(row["coin_id"], row["minute"]): row["revision"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_bars_go_into_one_file_per_hour(spark: SparkSession, settings: Settings) -> None:
    write(settings, minutes(spark, TICKS))
    assert list(tree(settings)) == KEYS
    assert tree(settings)[KEYS[0]].decode() == (
        "coin_id,vs_currency,window_start,window_end,open,high,low,close,mean,twap,stddev,tick_count,late_count,"
        "first_tick_at,last_tick_at,return_pct,realized_volatility,log_return,sma,ema,bollinger_lower,bollinger_upper,"
        "rsi,anomaly,stale,gap,origin,is_final\n"
        "bitcoin,usd,2026-01-05T09:58:00Z,2026-01-05T09:59:00Z,100.0,100.0,100.0,100.0,100.0,100.0,0.0,1,0,"
        "2026-01-05T09:58:10.000Z,2026-01-05T09:58:10.000Z,0.0,,,,,,,,,,false,ticks,true\n"
        "bitcoin,usd,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,110.0,110.0,110.0,110.0,110.0,110.0,0.0,1,0,"
        "2026-01-05T09:59:10.000Z,2026-01-05T09:59:10.000Z,0.0,,0.09531017980432493,,,,,,,false,false,ticks,true\n"
        "ethereum,usd,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,1.0E-15,1.0E-15,1.0E-15,1.0E-15,1.0E-15,1.0E-15,0.0,1,0,"
        "2026-01-05T09:59:20.000Z,2026-01-05T09:59:20.000Z,0.0,,,,,,,,,,false,ticks,true\n"
    )


def test_whoever_reads_the_tables_files_by_themselves_is_told_that_times_are_utc(
    spark: SparkSession, settings: Settings
) -> None:
    write(settings, minutes(spark, TICKS))
    [file, *_] = sorted(Path(settings.job.bars).rglob("date=2026-01-06/*.parquet"))
    read = pq.read_table(file, columns=["window_start", "first_tick_at"])
    assert set(read.schema.types) == {pa.timestamp("us", "UTC")}
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    assert read.to_pylist() == [{"window_start": midnight, "first_tick_at": midnight}]


def test_no_column_repeats_what_the_path_holds() -> None:
    assert not {"interval", "date", "hour", "revision"} & set(CSV_COLUMNS)
    assert set(CSV_COLUMNS) | {"interval", "date", "revision"} == set(BARS.names)


def test_writing_again_changes_nothing(spark: SparkSession, settings: Settings) -> None:
    write(settings, minutes(spark, TICKS))
    before = tree(settings)
    write(settings, minutes(spark, TICKS))
    assert tree(settings) == before
    assert set(revisions(spark, settings).values()) == {0}


def test_a_changed_bar_goes_over_the_old_one_and_its_revision_up(spark: SparkSession, settings: Settings) -> None:
    write(settings, minutes(spark, TICKS))
    write(settings, minutes(spark, [*TICKS[:1], ("bitcoin", "2026-01-05T09:58:30", 50.0)]))
    found = revisions(spark, settings)
    # 09:59 has another return now; the others are as they were.
    assert found == {
        ("bitcoin", "09:58"): 1,
        ("bitcoin", "09:59"): 1,
        ("ethereum", "09:59"): 0,
        ("bitcoin", "10:00"): 0,
        ("bitcoin", "00:00"): 0,
    }
    assert b",100.0,100.0,50.0,50.0,75.0,75.0,25.0,2," in tree(settings)[KEYS[0]]


def test_a_bar_changes_the_file_of_the_hour_behind_where_that_looks_back(
    spark: SparkSession, settings: Settings
) -> None:
    write(settings, minutes(spark, TICKS[3:4]))
    alone = tree(settings)[KEYS[1]]
    write(settings, minutes(spark, TICKS[1:2]))
    assert tree(settings)[KEYS[1]] != alone
    assert b",0.09531017980432493," in tree(settings)[KEYS[1]]


def test_a_commit_between_is_seen_whatever_comes_behind_ours(spark: SparkSession, settings: Settings) -> None:
    """
    read   another's   ours   compaction
    |------|-----------|------|---------
    """
    path = settings.job.bars
    read = newest_version(spark, path)
    other = spark.newSession()
    write(settings, minutes(other, TICKS[:1]))
    write(settings, minutes(spark, TICKS[2:3]))
    DeltaTable.forPath(other, spark_path(path)).optimize().executeCompaction()
    assert was_outrun(spark, path, read, None)
    assert not was_outrun(spark, path, read + 1, None)


def test_a_compaction_of_our_own_is_not_taken_for_another_writer(spark: SparkSession, settings: Settings) -> None:
    """
    read   ours   our compaction
    |------|------|---------
    """
    path = settings.job.bars
    write(settings, minutes(spark, TICKS[:1]))
    read = newest_version(spark, path)
    write(settings, minutes(spark, TICKS[2:3]))
    DeltaTable.forPath(spark, spark_path(path)).optimize().executeCompaction()
    assert newest_version(spark, path) == read + 2
    assert not was_outrun(spark, path, read, None)


def test_what_was_looked_ahead_for_is_not_worked_out_again(spark: SparkSession, settings: Settings) -> None:
    since = "window_start >= TIMESTAMP'2026-01-05 09:00:00Z'"

    def tasks_of(work: Callable[[], object]) -> int:
        group = uuid4().hex
        spark.sparkContext.setJobGroup(group, "")
        work()
        # What is known of stages comes a moment later.
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        tracker = spark.sparkContext.statusTracker()
        jobs = filter(None, map(tracker.getJobInfo, tracker.getJobIdsForGroup(group)))
        stages = (tracker.getStageInfo(stage) for job in jobs for stage in job.stageIds)
        return sum(stage.numCompletedTasks for stage in stages if stage)

    def put(ticks: Ticks) -> None:
        new = minutes(spark, ticks).withColumn("change", f.lit("new"))
        upsert_bars(new, settings.job, span="stored.interval = '1m'", changes={"new"}, txn=None)

    def look() -> None:
        read_bars(spark, settings.job).filter(since).inputFiles()

    put(TICKS[:1])
    look()
    put(TICKS[1:2])
    anew = (tasks_of(look), tasks_of(lambda: put(TICKS[2:3])))
    look_ahead(spark, settings.job.bars, since)
    ahead = (tasks_of(look), tasks_of(lambda: put(TICKS[3:4])))
    assert 0 < ahead[0] < anew[0]
    assert 0 < ahead[1] < anew[1]


def test_nothing_to_write_writes_nothing(spark: SparkSession, settings: Settings) -> None:
    assert write(settings, minutes(spark, TICKS).limit(0)) == 0
    assert tree(settings) == {}


def test_a_crash_between_table_and_files_is_made_up_for(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> int:
        raise RuntimeError("kill")

    with monkeypatch.context() as patch:
        patch.setattr("jobs.sink.publish", crash)
        with pytest.raises(RuntimeError):
            write(settings, minutes(spark, TICKS))
    assert tree(settings) == {}
    write(settings, minutes(spark, TICKS))
    assert list(tree(settings)) == KEYS


def test_a_conflict_with_another_writer_is_tried_again(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflicts = [conflict(spark)]

    def upsert(*args: Any, **kwargs: Any) -> None:
        if conflicts:
            raise conflicts.pop()
        upsert_bars(*args, **kwargs)

    monkeypatch.setattr("jobs.sink.upsert_bars", upsert)
    write(settings, minutes(spark, TICKS[:1]))
    assert conflicts == []
    assert read_bars(spark, settings.job).filter("NOT gap").count() == 1


def test_bars_that_are_not_final_are_not_published(spark: SparkSession, settings: Settings) -> None:
    closed = START_S + 10 * 3_600
    BarSink(settings, closed).rewrite(minutes(spark, TICKS), Place(START_S, END_S))
    assert list(tree(settings)) == KEYS[:1]
    open_bars = read_bars(spark, settings.job).filter("NOT is_final")
    assert sorted(row["close"] for row in open_bars.collect()) == [121.0, 1e9]
    # Once they have closed they are.
    write(settings, minutes(spark, []))
    assert list(tree(settings)) == KEYS


def test_a_formula_is_written_as_text(spark: SparkSession, settings: Settings) -> None:
    hostile = minutes(spark, TICKS[:1]).withColumn("coin_id", f.lit('=HYPERLINK("x"),1'))
    write(settings, hostile)
    line = tree(settings)[KEYS[0]].decode().splitlines()[1]
    assert line.startswith("\"'=HYPERLINK(")
    frame = pd.read_csv(f"{settings.job.csv}/{KEYS[0]}", escapechar="\\")
    assert frame.coin_id[0] == '\'=HYPERLINK("x"),1'


def test_a_file_that_somebody_else_replaced_meanwhile_is_tried_again(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings, minutes(spark, TICKS))
    versions = iter(["outdated"])
    from jobs.storage import DiskStore

    truth = DiskStore.version
    first = {KEYS[0]: True}

    def version(self: DiskStore, key: str) -> str | None:
        # What the driver reads first is outdated by the time that an executor compares.
        return next(versions) if first.pop(key, None) else truth(self, key)

    before = tree(settings)
    (Path(settings.job.csv) / KEYS[0]).write_text("damaged")
    monkeypatch.setattr(DiskStore, "version", version)
    assert publish(spark, settings, [Partition("1m", "2026-01-05", 9)]) == 1
    assert tree(settings) == before


def test_a_file_that_never_holds_still_is_an_error_that_names_it(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings, minutes(spark, TICKS))
    (Path(settings.job.csv) / KEYS[0]).write_text("damaged")
    monkeypatch.setattr("jobs.storage.DiskStore.version", lambda *_: "outdated")
    monkeypatch.setattr("jobs.publish._ATTEMPTS", 2)
    with pytest.raises(StorageError, match=r"hour=09/bars.csv; is another publisher running"):
        publish(spark, settings, [Partition("1m", "2026-01-05", 9)])


def test_long_intervals_have_one_file_a_day(spark: SparkSession, settings: Settings) -> None:
    longer = settings.model_copy(update={"job": settings.job.model_copy(update={"intervals": ["1h"]})})
    write(longer, minutes(spark, TICKS))
    assert [key for key in tree(settings) if "1h" in key] == ["interval=1h/date=2026-01-05/hour=00/bars.csv"]


def test_pandas_and_duckdb_read_the_tree_as_it_is(spark: SparkSession, settings: Settings) -> None:
    write(settings, minutes(spark, TICKS))
    places = "max(hour)::INT, min(date)::VARCHAR, any_value(interval)"
    tree = f"read_csv('{settings.job.csv}/**/*.csv', hive_partitioning = true)"
    query = f"SELECT count(*), sum(tick_count), epoch(min(window_start)), {places} FROM {tree}"
    [total] = duckdb.connect().execute(query).fetchall()
    assert (total[0], total[1], total[3], total[4], total[5]) == (5, 5, 10, "2026-01-05", "1m")
    assert total[2] == datetime(2026, 1, 5, 9, 58, tzinfo=UTC).timestamp()
    frame = pd.concat(pd.read_csv(f"{settings.job.csv}/{key}", parse_dates=["window_start"]) for key in KEYS)
    assert frame.window_start.min() == pd.Timestamp("2026-01-05T09:58:00Z")
    assert frame.close.tolist() == [100.0, 110.0, 1e-15, 121.0, 1e9]
