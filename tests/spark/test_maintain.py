"""Retention and compaction: what goes, what stays, and that no row or value is another afterwards."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import maintain
from jobs.checkpoint import open_checkpoint
from jobs.maintain import Tidied, keep_as_set, run_maintain, tidy
from jobs.maintain_table import Files, TidyTable
from jobs.schema import BARS
from jobs.session import check_log_store
from jobs.tables import append_ticks, create_tables, read_bars, read_ticks
from pricestream.errors import StorageError
from pricestream.settings import Settings
from tests.conftest import MakeSettings
from tests.support.conflict import conflict
from tests.support.rows import row, ticks_of

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
TODAY = NOW.date()


def day(number: int) -> date:
    return date(2026, 1, number)


@pytest.fixture
def settings(spark: SparkSession, make_settings: MakeSettings) -> Settings:
    made = make_settings("job.retention.ticks_days=8")
    create_tables(spark, made.job)
    keep_as_set(spark, made.job)
    return made


@pytest.fixture
def without_vacuum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes seconds, where it is not what is looked at."""
    monkeypatch.setattr(TidyTable, "vacuum", lambda *_: None)


def land(spark: SparkSession, settings: Settings, *days: date, count: int = 1) -> None:
    """Add ``count`` files to each day, in a commit each."""
    for number in range(count):
        rows = [row(number, polled=datetime(each.year, each.month, each.day, 9, number, tzinfo=UTC)) for each in days]
        append_ticks(ticks_of(spark, rows).repartition(1), settings.job)


def store_bars(spark: SparkSession, settings: Settings, *days: date, count: int = 1) -> None:
    for number in range(count):
        values = [
            dict.fromkeys(BARS.names)
            | {"coin_id": "bitcoin", "vs_currency": "usd", "interval": interval, "date": each, "close": 1.5 + number}
            for each in days
            for interval in ("1m", "5m")
        ]
        frame = spark.createDataFrame([tuple(each[name] for name in BARS.names) for each in values], BARS)
        frame.repartition(1).write.format("delta").mode("append").save(settings.job.bars)


def files_of(spark: SparkSession, path: str) -> set[str]:
    return set(spark.read.format("delta").load(path).inputFiles())


def dates_of(spark: SparkSession, path: str) -> list[date]:
    return sorted(each["date"] for each in spark.read.format("delta").load(path).select("date").distinct().collect())


def version_of(spark: SparkSession, path: str) -> int:
    return int(DeltaTable.forPath(spark, path).history(1).collect()[0]["version"])


def on_disk(path: str) -> set[str]:
    return {str(each.relative_to(path)) for each in Path(path).rglob("*") if each.is_file()}


def read_through(settings: Settings, version: int, *, is_snapshot: bool = False) -> None:
    """Let the checkpoint say that the bars query has read all before a version of ``ticks``."""
    store = open_checkpoint(settings).store
    offset = {"sourceVersion": 1, "reservoirVersion": version, "index": -1, "isStartingVersion": is_snapshot}
    about = {"batchWatermarkMs": 0, "batchTimestampMs": 1, "conf": {}}
    store.write("bars/metadata", b'{"id":"8d8c2f3e-0000-4000-8000-000000000000"}')
    store.write("bars/offsets/3", f"v1\n{json.dumps(about)}\n{json.dumps(offset)}".encode())
    open_checkpoint(settings).mark_checked(3)


def test_old_dates_go_and_no_file_is_rewritten(spark: SparkSession, settings: Settings) -> None:
    land(spark, settings, day(10), day(11), day(12), TODAY)
    before = files_of(spark, settings.job.ticks)
    ticks, _ = tidy(spark, settings, now=NOW)
    # Eight days before the 20th is the 12th, which is kept.
    assert ticks.deleted == (day(10), day(11))
    assert dates_of(spark, settings.job.ticks) == [day(12), TODAY]
    assert files_of(spark, settings.job.ticks) == {each for each in before if "01-12" in each or "01-20" in each}


@pytest.mark.usefixtures("without_vacuum")
def test_an_old_date_is_kept_as_long_as_what_came_of_it_last(
    spark: SparkSession, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    land(spark, settings, day(1), day(2))
    # A backfill lands more of the second day, and works on it when the table is tidied.
    landed = [row(seq, polled=datetime(2026, 1, 2, 10, seq, tzinfo=UTC), ingested_at=NOW) for seq in (3, 4)]
    append_ticks(ticks_of(spark, landed).repartition(1), settings.job)
    with caplog.at_level(logging.INFO):
        ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.deleted, ticks.fresh, ticks.packed) == ((day(1),), (day(2),), (day(2),))
    assert "ticks: 2026-01-02 kept, because rows of them came in the last 8 days" in caplog.messages
    # Whole, as long as the newest of its rows.
    assert read_ticks(spark, settings.job).count() == 3
    assert tidy(spark, settings, now=NOW + timedelta(days=8))[0].fresh == (day(2),)
    assert tidy(spark, settings, now=NOW + timedelta(days=9))[0].deleted == (day(2),)


@pytest.mark.usefixtures("without_vacuum")
def test_bars_are_kept_for_ever_unless_told(
    spark: SparkSession, settings: Settings, make_settings: MakeSettings
) -> None:
    store_bars(spark, settings, day(1), day(9), day(10))
    _, bars = tidy(spark, settings, now=NOW)
    assert bars.deleted == ()
    _, bars = tidy(spark, make_settings("job.retention.bars_days=10"), now=NOW)
    assert bars.deleted == (day(1), day(9))
    assert dates_of(spark, settings.job.bars) == [day(10)]
    assert read_bars(spark, settings.job).count() == 2


def test_many_small_files_become_one_and_the_rows_are_the_same(spark: SparkSession, settings: Settings) -> None:
    land(spark, settings, day(15), day(16), count=3)
    land(spark, settings, day(17))
    store_bars(spark, settings, day(15), count=3)
    rows = sorted(read_ticks(spark, settings.job).collect(), key=str)
    bar_rows = sorted(read_bars(spark, settings.job).collect(), key=str)
    lonely = {each for each in files_of(spark, settings.job.ticks) if "01-17" in each}
    assert TidyTable(spark, settings.job.bars).files() == {day(15): Files(count=6, surplus=4)}
    ticks, bars = tidy(spark, settings, now=NOW)
    assert (ticks.packed, bars.packed) == ((day(15), day(16)), (day(15),))
    assert TidyTable(spark, settings.job.ticks).files() == {each: Files(1, 0) for each in (day(15), day(16), day(17))}
    # One file for each interval.
    assert TidyTable(spark, settings.job.bars).files() == {day(15): Files(2, 0)}
    assert sorted(read_ticks(spark, settings.job).collect(), key=str) == rows
    assert len(rows) == 7
    assert sorted(read_bars(spark, settings.job).collect(), key=str) == bar_rows
    assert lonely < files_of(spark, settings.job.ticks)
    # A second time there is nothing to do.
    assert [each.packed for each in tidy(spark, settings, now=NOW)] == [(), ()]


@pytest.mark.usefixtures("without_vacuum")
def test_a_day_is_packed_once_it_has_ended_for_an_hour(spark: SparkSession, settings: Settings) -> None:
    land(spark, settings, TODAY, count=2)
    midnight = datetime(2026, 1, 21, tzinfo=UTC)
    for now in (NOW, midnight, midnight + timedelta(minutes=59)):
        assert tidy(spark, settings, now=now)[0].packed == ()
    assert tidy(spark, settings, now=midnight + timedelta(hours=1))[0].packed == (TODAY,)


def test_replaced_files_are_removed_once_they_are_old_enough(spark: SparkSession, settings: Settings) -> None:
    land(spark, settings, day(1), day(15), count=2)
    before = on_disk(settings.job.ticks)
    tidy(spark, settings, now=NOW)
    # They may still be read, by whoever began before.
    assert {each for each in before if each.endswith(".parquet")} < on_disk(settings.job.ticks)
    at_once = settings.job.retention.model_copy(update={"replaced_files_hours": 0})
    keep = settings.model_copy(update={"job": settings.job.model_copy(update={"retention": at_once})})
    # Delta refuses so short a time, as the settings do; only a test may.
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        keep_as_set(spark, keep.job)
        tidy(spark, keep, now=NOW)
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    [left] = [each for each in on_disk(settings.job.ticks) if each.startswith("date=") and each.endswith(".parquet")]
    assert left.startswith("date=2026-01-15/")
    assert read_ticks(spark, settings.job).count() == 2


def test_a_vacuum_is_no_commit_and_leaves_no_setting_behind(spark: SparkSession, settings: Settings) -> None:
    listing = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
    before = version_of(spark, settings.job.ticks), spark.conf.get(listing)
    TidyTable(spark, settings.job.ticks).vacuum(168)
    assert (version_of(spark, settings.job.ticks), spark.conf.get(listing)) == before


def test_a_dry_run_says_it_and_changes_nothing(
    spark: SparkSession, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    land(spark, settings, day(1), day(2), day(15), count=2)
    before = on_disk(settings.job.ticks), on_disk(settings.job.bars)
    with caplog.at_level(logging.INFO):
        ticks, bars = tidy(spark, settings, now=NOW, dry_run=True)
    assert ticks == Tidied("ticks", deleted=(day(1), day(2)), packed=(day(15),))
    assert bars == Tidied("bars")
    assert (on_disk(settings.job.ticks), on_disk(settings.job.bars)) == before
    assert [each.getMessage() for each in caplog.records] == [
        "ticks: 2 dates (2026-01-01 to 2026-01-02) older than it is kept, 4 files would be deleted",
        "ticks: 2026-01-15, 2 files would be packed into 1",
    ]


@pytest.mark.usefixtures("without_vacuum")
def test_dates_that_the_bars_query_has_not_read_are_kept(
    spark: SparkSession, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    land(spark, settings, day(1), day(2), day(14), day(15), count=2)
    read_through(settings, version_of(spark, settings.job.ticks) + 1)
    # Came after a stop: a spool that was sent late, and a backfill.
    land(spark, settings, day(2), day(15))
    ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.deleted, ticks.unread, ticks.packed) == ((day(1),), (day(2),), (day(14),))
    assert dates_of(spark, settings.job.ticks) == [day(2), day(14), day(15)]
    assert "ticks: 2026-01-02 kept, because the bars query has not read them yet" in caplog.messages
    # It has caught up.
    read_through(settings, version_of(spark, settings.job.ticks) + 1)
    ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.deleted, ticks.unread, ticks.packed) == ((day(2),), (), (day(15),))


def left_alone(spark: SparkSession, settings: Settings, now: datetime) -> bool:
    before = version_of(spark, settings.job.ticks)
    [ticks, _] = tidy(spark, settings, now=now)
    return ticks == Tidied("ticks") and version_of(spark, settings.job.ticks) == before


@pytest.mark.usefixtures("without_vacuum")
def test_where_its_way_can_not_be_told_nothing_is_touched(
    spark: SparkSession, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    land(spark, settings, day(1), count=2)
    read_through(settings, 1, is_snapshot=True)
    assert left_alone(spark, settings, NOW)
    # Spark has purged the entry of the last micro-batch that was checked.
    open_checkpoint(settings).mark_checked(2)
    assert left_alone(spark, settings, NOW)
    open_checkpoint(settings).mark_checked(-1)
    assert left_alone(spark, settings, NOW)
    assert all("start the stream and let it catch up, or remove its checkpoint" in each for each in caplog.messages)
    read_through(settings, version_of(spark, settings.job.ticks) + 1)
    assert tidy(spark, settings, now=NOW)[0].deleted == (day(1),)


@pytest.mark.usefixtures("without_vacuum")
def test_what_waits_for_the_stream_for_weeks_outlasts_the_retention(spark: SparkSession, settings: Settings) -> None:
    read_through(settings, version_of(spark, settings.job.ticks) + 1)
    land(spark, settings, day(1), day(15), count=2)
    # By the clock of the commits, which is the machine's.
    now = datetime.now(UTC)
    assert tidy(spark, settings, now=now + timedelta(days=5))[0].unread == (day(1), day(15))
    assert left_alone(spark, settings, now + timedelta(days=7))
    assert dates_of(spark, settings.job.ticks) == [day(1), day(15)]


@pytest.mark.usefixtures("without_vacuum")
def test_another_writer_puts_a_date_off(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, settings, day(14), day(15), count=2)
    truth = TidyTable.compact

    def compact(self: TidyTable, of: date) -> tuple[int, int]:
        if of == day(14):
            raise conflict(spark)
        return truth(self, of)

    monkeypatch.setattr(TidyTable, "compact", compact)
    ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.left, ticks.packed, ticks.is_vacuumed) == ((day(14),), (day(15),), True)


@pytest.mark.usefixtures("without_vacuum")
def test_another_writer_puts_the_deletion_off(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(*_: object) -> None:
        raise conflict(spark)

    land(spark, settings, day(1))
    monkeypatch.setattr(TidyTable, "delete", delete)
    assert tidy(spark, settings, now=NOW)[0].deleted == ()
    assert dates_of(spark, settings.job.ticks) == [day(1)]


def test_a_stop_begins_no_further_step(spark: SparkSession, settings: Settings) -> None:
    land(spark, settings, day(1), day(15), count=2)
    before = version_of(spark, settings.job.ticks)
    assert tidy(spark, settings, now=NOW, is_stopping=lambda: True) == [Tidied("ticks"), Tidied("bars")]
    assert version_of(spark, settings.job.ticks) == before


def test_the_tables_say_how_long_their_log_is_kept(
    spark: SparkSession, settings: Settings, make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    def properties() -> dict[str, str]:
        detail = DeltaTable.forPath(spark, settings.job.ticks).detail()
        found: dict[str, str] = detail.select("properties").collect()[0]["properties"]
        return {key: value for key, value in found.items() if "RetentionDuration" in key}

    assert properties() == {
        "delta.logRetentionDuration": "interval 30 days",
        "delta.deletedFileRetentionDuration": "interval 168 hours",
    }
    before = version_of(spark, settings.job.ticks)
    keep_as_set(spark, settings.job)
    assert version_of(spark, settings.job.ticks) == before
    longer = make_settings("job.retention.log_days=40", "job.retention.replaced_files_hours=200")
    # While the stream runs they can not be set, and files go by neither the one time nor the other.
    assert [each.is_vacuumed for each in tidy(spark, longer, now=NOW)] == [False, False]
    assert "replaced files are not removed" in caplog.text
    keep_as_set(spark, longer.job)
    assert properties() == {
        "delta.logRetentionDuration": "interval 40 days",
        "delta.deletedFileRetentionDuration": "interval 200 hours",
    }
    assert [each.is_vacuumed for each in tidy(spark, longer, now=NOW)] == [True, True]


def test_without_tables_it_says_so(spark: SparkSession, make_settings: MakeSettings) -> None:
    with pytest.raises(StorageError, match=r"ticks: there is no table; run jobs/stream_prices.py or a backfill first"):
        tidy(spark, make_settings(), now=NOW)


@pytest.fixture
def command(spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """The command in the session that is there already; gives what it sets and tidies."""
    steps: list[Any] = []

    @contextmanager
    def open_session(*_: object) -> Iterator[SparkSession]:
        yield spark

    monkeypatch.setattr(maintain, "open_session", open_session)
    monkeypatch.setattr(maintain, "keep_as_set", lambda *_: steps.append("properties"))
    monkeypatch.setattr(maintain, "tidy", lambda *_, dry_run: steps.append(("tidy", dry_run)))

    def run(state: str | None, *, alone: bool = False, dry_run: bool = False) -> list[Any]:
        steps.clear()
        if state:
            Path(settings.job.status_file).write_text(json.dumps({"state": state, "bars": {"watermark_ms": None}}))
        run_maintain(settings, alone=alone, dry_run=dry_run)
        return list(steps)

    return run


def test_the_properties_are_set_where_the_stream_can_not_trip_over_them(command: Callable[..., list[Any]]) -> None:
    assert command(None) == ["properties", ("tidy", False)]
    assert command("running") == [("tidy", False)]
    assert command("running", alone=True) == ["properties", ("tidy", False)]
    assert command("stopped") == ["properties", ("tidy", False)]
    assert command("stopped", dry_run=True) == [("tidy", True)]


def test_beside_the_stream_on_s3_only_a_dry_run_is_allowed(
    make_settings: MakeSettings, command: Callable[..., list[Any]]
) -> None:
    on_s3 = make_settings(root="s3a://lake")
    command("running")
    with pytest.raises(StorageError, match="or say --alone"):
        run_maintain(on_s3, alone=False, dry_run=False)
    run_maintain(on_s3, alone=False, dry_run=True)


@pytest.mark.parametrize(
    ("named", "missing"),
    [
        ("io.delta.storage.S3DynamoDBLogStore", "io.delta.storage.S3DynamoDBLogStore"),
        # It is there, and what it speaks of is not: so it would be without the AWS SDK.
        (
            "org.apache.logging.log4j.core.appender.mom.kafka.KafkaProducerFactory",
            "org.apache.kafka.clients.producer.Producer",
        ),
    ],
)
def test_a_commit_table_without_its_jars_is_refused_in_one_line(spark: SparkSession, named: str, missing: str) -> None:
    conf = {f"spark.delta.logStore.{scheme}.impl": named for scheme in ("s3", "s3a")}
    with pytest.raises(StorageError) as error:
        check_log_store(spark, conf)
    assert str(error.value).startswith(f"job.s3.commit_table needs {missing}, which is not on the class path")
    assert "/usr/share/aws/delta/lib" in str(error.value)


def test_a_session_that_was_there_before_keeps_its_log_store(spark: SparkSession) -> None:
    there = "io.delta.storage.S3SingleDriverLogStore"
    conf = {f"spark.delta.logStore.{scheme}.impl": there for scheme in ("s3", "s3a")}
    with pytest.raises(StorageError, match="start a new Spark application"):
        check_log_store(spark, conf)
