"""Land: records that were fetched again become rows of ``ticks``, by the stages of the stream."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.completeness import AUDIT
from jobs.parse import parse
from jobs.reread import RawRecord
from jobs.schema import KINESIS, OK, TICKS
from jobs.tables import append_ticks
from jobs.validate import validate
from jobs.window import window_start
from pricestream.settings import Settings

#: How many records are in memory at a time.
_AT_A_TIME: Final = 20_000


@dataclass(frozen=True)
class LandedAgain:
    """What became of some records."""

    landed: int
    #: Their windows are still open. The stream of bars passes over what a repair adds, so it would close them without.
    too_new: int
    #: The base windows of those that are accepted: ``coin_id``, ``vs_currency``, ``window_start``, each once.
    windows: DataFrame


def land_again(
    spark: SparkSession, settings: Settings, records: Iterable[RawRecord], *, horizon_ms: int
) -> Iterator[LandedAgain]:
    """Append records to ``ticks``, marked as the audit's, some thousand at a time.

    Args:
        spark: the session.
        settings: where the table is, and how records are judged.
        records: as they are on the stream.
        horizon_ms: windows that end here or before are closed, epoch ms.
    """
    waiting = iter(records)
    while some := list(islice(waiting, _AT_A_TIME)):
        yield _land(_rows(spark, settings, some), settings, horizon_ms)


def _rows(spark: SparkSession, settings: Settings, records: list[RawRecord]) -> DataFrame:
    name = settings.stream.name
    values = [(each.data, name, each.partition_key, each.sequence_number, each.arrived_at) for each in records]
    parsed = parse(spark.createDataFrame(values, KINESIS))
    judged = validate(parsed, allowed_lateness_seconds=settings.job.allowed_lateness_seconds)
    return judged.withColumn("added_by", f.lit(AUDIT)).select(*TICKS.names)


def _land(rows: DataFrame, settings: Settings, horizon_ms: int) -> LandedAgain:
    seconds = settings.job.interval_seconds
    is_too_new = _is_open(seconds, horizon_ms)
    sums = rows.agg(f.count_if(~is_too_new).alias("landed"), f.count_if(is_too_new).alias("too_new")).collect()[0]
    landed = rows.filter(~is_too_new)
    if sums["landed"]:
        append_ticks(landed, settings.job)
    start = window_start("event_time", seconds).alias("window_start")
    windows = landed.filter(f.col("status") == OK).select("coin_id", "vs_currency", start).distinct()
    return LandedAgain(sums["landed"], sums["too_new"], windows)


def _is_open(seconds: int, horizon_ms: int) -> Column:
    end_ms = f.unix_millis(window_start("event_time", seconds)) + seconds * 1000
    return (f.col("status") == OK) & (end_ms > horizon_ms)
