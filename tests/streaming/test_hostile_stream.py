"""Whatever comes over the stream is a row with the right status, and the bars of other coins do not notice."""

from random import Random

from pyspark.sql import SparkSession

from faults.hostile_parser import rows_of
from faults.hostile_stream import DRILL, END_MS, hostile_records, put_among_ticks, verdict
from faults.lake import ticks_by_coin
from jobs.tables import read_ticks
from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream, closing


def test_hostile_records_through_kinesis(
    spark: SparkSession, stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    settings = make_settings(*stream.overrides)
    hostile = hostile_records(Random(1), DRILL.short)
    put_among_ticks(stream, hostile)
    stream.put(closing(settings, END_MS))
    job = start_job(settings)
    job.settle(rows=stream.sent, watermark_ms=END_MS)
    job.stop()
    outcome = verdict(hostile, iter(rows_of(read_ticks(spark, settings.job))), ticks_by_coin(settings))
    assert outcome.broken == ()
    assert outcome.counts["rows"] == outcome.counts["sent"] == DRILL.short == 1_000
    assert outcome.counts["rejected"] > 500
    assert outcome.counts["ok"] > 50
    # Two coins, six ticks a minute, five minutes.
    assert outcome.counts["good ticks in bars"] == 60
