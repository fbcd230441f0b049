"""The stream goes on over whatever is done to its tables beneath it."""

from datetime import UTC, date, datetime

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoint import BARS, open_checkpoint
from jobs.maintain import keep_as_set, tidy
from jobs.maintain_table import TidyTable
from jobs.progress import last_report, next_version, recent_reports
from jobs.source import ticks_stream
from jobs.storage import spark_path
from jobs.tables import append_ticks, create_tables, read_bars, read_ticks
from pricestream.settings import Settings
from tests.conftest import MakeSettings
from tests.support.rows import row, ticks_of
from tests.support.streaming import StartJob, Stream, closing, market, wait_for

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
NINE_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE_MS = 60_000


def start(spark: SparkSession, settings: Settings, seen: list[int]) -> StreamingQuery:
    """The source of the bars query under its checkpoint, which notes the rows instead of windowing them."""

    def note(batch: DataFrame, _: int) -> None:
        seen.extend(each["seq"] for each in batch.select("seq").collect())

    folder = spark_path(open_checkpoint(settings).folder(BARS))
    return (
        ticks_stream(spark, settings.job)
        .writeStream.option("checkpointLocation", folder)
        .trigger(processingTime="0.2 seconds")
        .foreachBatch(note)
        .start()
    )


def land(spark: SparkSession, settings: Settings, seq: int, day: int) -> None:
    at = datetime(2026, 1, day, 9, seq, tzinfo=UTC)
    append_ticks(ticks_of(spark, [row(seq, polled=at)]), settings.job)


def caught_up(settings: Settings, query: StreamingQuery) -> None:
    """Let it read all there is, as the supervisor does, and be looked at for stragglers."""
    query.processAllAvailable()
    assert last_report(query) is not None
    open_checkpoint(settings).mark_checked(max(int(each["batchId"]) for each in recent_reports(query)))


def test_the_query_reads_on_over_deletion_compaction_and_new_properties(
    spark: SparkSession, make_settings: MakeSettings
) -> None:
    settings = make_settings("job.retention.ticks_days=8")
    create_tables(spark, settings.job)
    seen: list[int] = []
    query = start(spark, settings, seen)
    for seq, day in enumerate((1, 1, 15, 15)):
        land(spark, settings, seq, day)
    caught_up(settings, query)
    assert sorted(seen) == [0, 1, 2, 3]

    # While it runs.
    keep_as_set(spark, settings.job)
    ticks, _ = tidy(spark.newSession(), settings, now=NOW)
    assert (ticks.deleted, ticks.packed, ticks.is_vacuumed) == ((date(2026, 1, 1),), (date(2026, 1, 15),), True)
    newest = DeltaTable.forPath(spark, spark_path(settings.job.ticks)).history(1).collect()[0]["version"]
    # It passes over these commits though they bring no rows, or the supervisor would wait for it to catch up.
    wait_for("the query to pass", lambda: next_version(last_report(query)) == newest + 1, 30)
    land(spark, settings, 4, 20)
    caught_up(settings, query)
    assert sorted(seen) == [0, 1, 2, 3, 4]
    query.stop()

    # While it is down. What has come meanwhile is kept, however old.
    land(spark, settings, 5, 2)
    land(spark, settings, 6, 15)
    ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.deleted, ticks.unread, ticks.packed) == ((), (date(2026, 1, 2),), ())
    query = start(spark, settings, seen)
    caught_up(settings, query)
    assert sorted(seen) == [0, 1, 2, 3, 4, 5, 6]
    ticks, _ = tidy(spark, settings, now=NOW)
    assert (ticks.deleted, ticks.unread, ticks.packed) == ((date(2026, 1, 2),), (), (date(2026, 1, 15),))
    query.stop()

    # And again from its checkpoint, with nothing but tidying behind where it stood.
    query = start(spark, settings, seen)
    land(spark, settings, 7, 20)
    caught_up(settings, query)
    assert sorted(seen) == [0, 1, 2, 3, 4, 5, 6, 7]
    query.stop()
    operations = [each["operation"] for each in DeltaTable.forPath(spark, settings.job.ticks).history().collect()]
    assert operations.count("DELETE") == operations.count("OPTIMIZE") == 2


@pytest.mark.timeout(400)
@pytest.mark.long
def test_the_job_tidies_while_it_streams(
    spark: SparkSession, stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    # Every two seconds or so. The ticks are of months ago, and kept because they have just come.
    often = ["job.retention.every_hours=0.0005", "job.retention.ticks_days=8"]
    settings = make_settings(*stream.overrides, *often)

    def packs() -> int:
        history = DeltaTable.forPath(spark, spark_path(settings.job.ticks)).history()
        return history.filter("operation = 'OPTIMIZE'").count()

    def surplus() -> int:
        return sum(each.surplus for each in TidyTable(spark, settings.job.ticks).files().values())

    ticks = market({"bitcoin": 60_000.0, "dogecoin": 0.1}, start_ms=NINE_MS, minutes=10)
    third = len(ticks) // 3
    job = start_job(settings)
    for number, minute in enumerate((3, 6, 10)):
        stream.put_ticks(ticks[number * third : (number + 1) * third])
        stream.put(closing(settings, NINE_MS + minute * MINUTE_MS))
        job.settle(rows=stream.sent, watermark_ms=NINE_MS + minute * MINUTE_MS)
        if number:
            # There was a file of the date before.
            job.wait("the files to be packed", lambda: packs() > 0 and not surplus())
    job.stop()
    assert read_ticks(spark, settings.job).count() == stream.sent
    assert job.errors == []
    bars = read_bars(spark, settings.job).filter("interval = '1m'")
    assert bars.count() == 20
    assert bars.agg({"tick_count": "sum"}).collect()[0][0] == len(ticks)
