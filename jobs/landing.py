"""Landing: rows that did not come through the stream are added to ``ticks``, each once however often it is tried."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from jobs.schema import LATE, OK, REJECTED, TAKEN_IN, TICKS
from jobs.session import DATES_SIDE_BY_SIDE
from jobs.tables import append_ticks, read_ticks
from jobs.validate import validate
from pricestream.settings import Settings

#: What :func:`take_in_late` marks its rows with.
ADDED_AS_LATE: Final = "late"

#: How many rows one task sorts and writes; more than it has memory for are spilled to disk.
_ROWS_A_TASK: Final = 1_000_000


@dataclass(frozen=True)
class Landed:
    """What became of the rows."""

    #: How many were added, and how many of each status.
    rows: int
    by_status: Mapping[str, int]
    #: How many were not, because ``ticks`` had them already or they came twice.
    already_there: int
    #: The first and the last event among all that are accepted, epoch seconds; None without any. Those that were
    #: there already count too: a run that was interrupted before its bars were made is made up for by the next.
    first_s: int | None
    last_s: int | None
    #: The UTC dates of those events.
    dates: frozenset[date]


def land(parsed: DataFrame, settings: Settings, *, added_by: str) -> Landed:
    """Judge rows, and add to ``ticks`` those that it lacks.

    There already is a row with the same coin, currency and ``tick_id`` on the same date that was not rejected; where
    this one is rejected, a rejected one with the same payload and ``added_by``. The rows are read twice and kept
    nowhere, so there may be more of them than fit into memory.

    Args:
        parsed: columns of :data:`jobs.schema.PARSED`.
        settings: where the table is, and from when on a tick is late.
        added_by: marks the rows, so that the stream of bars passes over them.
    """
    judged = validate(parsed, allowed_lateness_seconds=settings.job.allowed_lateness_seconds)
    stored = read_ticks(parsed.sparkSession, settings.job).filter(
        (f.col("status") != REJECTED) | (f.col("added_by") == added_by)
    )
    return _append_missing(judged, stored, settings, added_by)


def take_in_late(
    spark: SparkSession, settings: Settings, *, start_s: int, end_s: int, coins: Sequence[str] | None
) -> Landed:
    """Accept late ticks: add a copy of each that is not accepted yet, with ``reason`` :data:`jobs.schema.TAKEN_IN`.

    Args:
        spark: the session.
        settings: where the table is.
        start_s: from here on (epoch seconds), by the tick's event,
        end_s: to before here.
        coins: only these; None takes all.
    """
    ticks = read_ticks(spark, settings.job)
    first, last = (datetime.fromtimestamp(second, UTC).date() for second in (start_s, max(start_s, end_s - 1)))
    is_late = (f.col("status") == LATE) & f.col("date").between(first, last)
    is_in_range = f.col("event_time").between(f.timestamp_seconds(f.lit(start_s)), _just_before(end_s))
    late = ticks.filter(is_late & is_in_range)
    if coins is not None:
        late = late.filter(f.col("coin_id").isin(list(coins)))
    accepted = late.withColumns({"status": f.lit(OK), "reason": f.lit(TAKEN_IN)})
    return _append_missing(accepted, ticks.filter(f.col("status") == OK), settings, ADDED_AS_LATE)


def _just_before(second: int) -> Column:
    return f.timestamp_micros(f.lit(second * 1_000_000 - 1))


def _append_missing(judged: DataFrame, stored: DataFrame, settings: Settings, added_by: str) -> Landed:
    """Append the rows of ``judged`` that ``stored`` has not, each once; both have columns of ``ticks``."""
    spark, job = judged.sparkSession, settings.job
    # One moment for all rows of this run: it tells them from those of any other.
    now = datetime.now(UTC)
    ingested_at = f.timestamp_micros(f.lit(round(now.timestamp() * 1_000_000)))
    # A rejected row that never arrived anywhere has no date but that of the attempt. So that it meets those of earlier
    # attempts, they are taken as of today.
    has_no_date = (f.col("status") == REJECTED) & f.col("arrived_at").isNull()
    dated = f.when(has_no_date, f.lit(now.date())).otherwise(f.col("date"))
    marked = judged.withColumns({"ingested_at": ingested_at, "added_by": f.lit(added_by), "date": dated})
    survey = _survey(marked)
    if not survey.rows:
        return Landed(0, {}, 0, None, None, frozenset())
    is_on_date = f.col("date").isin(sorted(survey.rows_by_date))
    # Apart, because only a condition on nothing but the date spares reading the files of other dates.
    near = stored.filter(is_on_date).unionByName(stored.filter(~is_on_date & has_no_date)).withColumn("date", dated)
    append_ticks(_missing(marked, near, survey, job.spark.shuffle_partitions), job)
    ours = (f.col("added_by") == added_by) & (f.col("ingested_at") == ingested_at)
    counts = read_ticks(spark, job).filter(is_on_date & ours).groupBy("status").count().collect()
    by_status = {row["status"]: row["count"] for row in counts}
    rows = sum(by_status.values())
    return Landed(rows, by_status, survey.rows - rows, survey.first_s, survey.last_s, survey.accepted_dates)


@dataclass(frozen=True)
class _Survey:
    """What is known of the rows before any of them is shuffled."""

    rows_by_date: Mapping[date, int]
    first_s: int | None
    last_s: int | None
    accepted_dates: frozenset[date]

    @property
    def rows(self) -> int:
        return sum(self.rows_by_date.values())


def _survey(ticks: DataFrame) -> _Survey:
    event_s = f.unix_seconds("event_time")
    ends = (f.min(event_s).alias("first"), f.max(event_s).alias("last"))
    groups = ticks.groupBy("status", "date").agg(f.count("*").alias("rows"), *ends).collect()
    rows_by_date: Counter[date] = Counter()
    for group in groups:
        rows_by_date[group["date"]] += group["rows"]
    accepted = [group for group in groups if group["status"] == OK]
    return _Survey(
        rows_by_date,
        min((group["first"] for group in accepted), default=None),
        max((group["last"] for group in accepted), default=None),
        frozenset(group["date"] for group in accepted),
    )


def _missing(ticks: DataFrame, stored: DataFrame, survey: _Survey, least_partitions: int) -> DataFrame:
    """Keep the first of equal rows, and none that is among ``stored``.

    All equal rows meet in one task, after one shuffle and one sort. A date goes into few tasks, each with
    about as many rows as one can sort, so that few files are written.
    """
    pieces = -(-max(survey.rows_by_date.values()) // _ROWS_A_TASK)
    partitions = max(least_partitions, -(-survey.rows // _ROWS_A_TASK))
    nothing = [f.lit(None).cast(field.dataType).alias(field.name) for field in TICKS if field.name != "date"]
    new = ticks.select(*TICKS.names, *_identity(), f.lit(False).alias("_is_stored"))
    old = stored.select(*_identity(), "date", *nothing, f.lit(True).alias("_is_stored"))
    both = new.unionByName(old).withColumn("_piece", f.pmod("_id", f.lit(pieces)))
    gathered = both.repartition(partitions, "date", "_piece")
    # What tells most rows apart by one number comes first: of an equal date all else would have to be looked at too. Of
    # many dates the date does, so that one file is written after the other.
    is_by_date = len(survey.rows_by_date) > DATES_SIDE_BY_SIDE
    order = ("date", "_id", "_of", "_piece") if is_by_date else ("_id", "_of", "date", "_piece")
    in_order = Window.partitionBy(*order).orderBy(f.desc("_is_stored"), "polled_at")
    ranked = gathered.withColumn("_rank", f.row_number().over(in_order))
    return ranked.filter((f.col("_rank") == 1) & ~f.col("_is_stored")).select(*TICKS.names)


def _identity() -> tuple[Column, Column]:
    """Give what makes two rows of one date the same: for rejected ones their payload, else coin, currency and tick."""
    is_rejected = f.col("status") == REJECTED
    whose = f.when(is_rejected, f.sha2("payload", 256)).otherwise(f.concat_ws(" ", "coin_id", "vs_currency"))
    number = f.when(is_rejected, f.xxhash64("payload")).otherwise(f.col("tick_id"))
    return whose.alias("_of"), number.alias("_id")
