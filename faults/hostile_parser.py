"""Hostile records, straight to parse and validate."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from faults.checkout import LOCAL_SETTINGS
from faults.drill import Drill, Outcome, Task, together
from faults.hostile import Hostile, fuzzed, hostile_ids, wrong_clocks
from faults.hostile_verdict import outcome_of
from jobs.application import open_session
from jobs.parse import parse
from jobs.schema import KINESIS
from jobs.validate import validate
from pricestream.config import load_settings

_NINE: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
AT_MS: Final = int(_NINE.timestamp()) * 1000
#: How many records one data frame takes from Python at a time.
_PIECE: Final = 10_000
_LATENESS_SECONDS: Final = 300


def records(rng: Random, count: int) -> Iterator[Hostile]:
    """Give every hostile id, every wrong clock, and so many fuzzed records."""
    yield from hostile_ids(AT_MS)
    yield from wrong_clocks(AT_MS, arrival=AT_MS)
    yield from fuzzed(AT_MS, rng, count)


def rows_of(ticks: DataFrame) -> list[dict[str, Any]]:
    """Take from rows of ``ticks`` what a verdict needs."""
    columns = ("payload", "status", "reason", "coin_id", "vs_currency", "price")
    times = (f.unix_millis("event_time").alias("event_ms"), f.unix_millis("polled_at").alias("polled_ms"))
    return [row.asDict() for row in ticks.select(*columns, *times).collect()]


def judge(spark: SparkSession, hostile: list[Hostile]) -> Outcome:
    """Parse and validate records, and hold what comes out against what is due."""
    given = [(each.payload, "prices", "k", str(number), _NINE) for number, each in enumerate(hostile)]
    ticks = validate(parse(spark.createDataFrame(given, KINESIS)), allowed_lateness_seconds=_LATENESS_SECONDS)
    return outcome_of(hostile, rows_of(ticks))


def run(task: Task) -> Outcome:
    """Judge them piece by piece in a session of our own."""
    total = Outcome({})
    with open_session(load_settings(LOCAL_SETTINGS)) as spark:
        for done in range(0, task.count, _PIECE):
            total = together([total, judge(spark, list(records(task.rng, min(_PIECE, task.count - done))))])
            if not total.holds:
                break
            task.say(f"{total.counts['sent']:,} records")
    return total


DRILL: Final = Drill(
    name="hostile-parser",
    fault="broken, hostile and absurd records, straight to the parser",
    run=run,
    unit="records",
    short=10_000,
    full=1_000_000,
    has_spark=True,
)
