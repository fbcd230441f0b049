"""The bars query goes on over whatever is done to ``ticks`` beneath it."""

from datetime import UTC, date, datetime

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoint import BARS, open_checkpoint
from jobs.maintain import keep_as_set, tidy
from jobs.source import ticks_stream
from jobs.storage import spark_path
from jobs.tables import append_ticks, create_tables
from pricestream.settings import Settings
from tests.conftest import MakeSettings
from tests.support.rows import row, ticks_of

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


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
    progress = query.lastProgress
    assert progress is not None
    open_checkpoint(settings).mark_checked(max(int(each["batchId"]) for each in query.recentProgress))


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
