"""Accounting: every row of ``ticks`` is one thing, and the sum of all things is the number of rows.

The counts come from different places, so that the sum can fail: the rows from the table's log, what is read
again from the records' own addresses, what is sent again from what the records say.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.audit_model import Accounting
from jobs.audit_scope import Dates
from jobs.schema import HEARTBEAT, LATE, OK, REJECTED, STATUSES

#: What names a record on the stream.
_ADDRESS: Final = ("partition_key", "sequence_number")


def account(ticks: DataFrame, dates: Dates) -> Accounting:
    """Count what the rows of these dates are.

    * *Reread*: the same record once more, as after a crash: same ``partition_key`` and ``sequence_number``.
    * *Resend*: another record that says the same: the same tick, or for heartbeats and rejected records the
      same number of the same producer. A tick that is there as ok and as late is ok once and a resend.
    * Rows that a backfill or a repair added, by ``added_by``.
    * All others, by ``status``.

    Args:
        ticks: columns of :data:`jobs.schema.TICKS`.
        dates: which partitions to count.
    """
    rows = ticks.filter(dates.include("date"))
    streamed = rows.filter(f.col("added_by").isNull())
    distinct, resends = _count_sayings(streamed)
    added = rows.filter(f.col("added_by").isNotNull()).groupBy("added_by").count().collect()
    return Accounting(
        rows=rows.count(),
        distinct=distinct,
        rereads=_count_rereads(streamed),
        resends=resends,
        added={row["added_by"]: row["count"] for row in sorted(added)},
    )


def _count_rereads(streamed: DataFrame) -> int:
    times = streamed.groupBy(*_ADDRESS).count()
    return int(times.agg(f.sum(f.col("count") - 1).alias("rereads")).collect()[0]["rereads"] or 0)


def _count_sayings(streamed: DataFrame) -> tuple[dict[str, int], int]:
    """Count what the records say, each once, by status; and the records that say it again."""
    said = streamed.select(*_saying(), *_ADDRESS, (f.col("status") == OK).alias("is_ok"))
    records = said.groupBy("kind", "what", *_ADDRESS).agg(f.max("is_ok").alias("is_ok"))
    sayings = records.groupBy("kind", "what").agg(f.max("is_ok").alias("is_ok"), f.count("*").alias("records"))
    status = f.when(f.col("is_ok"), OK).otherwise(f.col("kind"))
    counts = sayings.groupBy(status.alias("status")).agg(
        f.count("*").alias("count"), f.sum(f.col("records") - 1).alias("resends")
    )
    found = {row["status"]: row for row in counts.collect()}
    distinct = {name: found[name]["count"] if name in found else 0 for name in STATUSES}
    return distinct, sum(found[name]["resends"] for name in STATUSES if name in found)


def _saying() -> tuple[Column, ...]:
    """Name what a record says: the tick, else the number, else only the record itself."""
    is_tick = f.col("status").isin(OK, LATE)
    has_number = f.col("status").isin(HEARTBEAT, REJECTED) & f.col("producer_id").isNotNull() & f.col("seq").isNotNull()
    what = (
        f.when(is_tick, f.struct(*_as_what("coin_id", "vs_currency", "tick_id")))
        .when(has_number, f.struct(*_as_what("producer_id", None, "seq")))
        .otherwise(f.struct(*_as_what(*_ADDRESS, None)))
    )
    # A status that is none of the four stays in no class, and the sum fails.
    return f.when(is_tick, LATE).otherwise(f.col("status")).alias("kind"), what.alias("what")


def _as_what(*names: str | None) -> list[Column]:
    kinds = {"name": "string", "other": "string", "number": "long"}
    values = [f.lit(None) if name is None else f.col(name) for name in names]
    return [value.cast(kind).alias(field) for value, (field, kind) in zip(values, kinds.items(), strict=True)]
