"""Completeness: what each producer counted is what ``ticks`` holds, number by number."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as f

from jobs.audit_gaps import fill_buckets, find_bounds, find_gaps, find_numbers, within_bounds
from jobs.audit_model import MAX_FINDINGS, Completeness, Conflict, Gap, Moment, Producer
from jobs.audit_scope import Scope

#: The ``added_by`` of rows that a repair of the audit landed.
AUDIT: Final = "audit"

#: At the edge of what is kept a producer may have been silent for so long.
_SILENCE: Final = timedelta(days=7)

#: What a gap is: lost, too new to say, or perhaps never promised.
_MISSING: Final = "missing"
_OPEN: Final = "open"
_UNKNOWN: Final = "unknown"

_COUNT: Final = "to_seq - from_seq + 1"


def check_completeness(ticks: DataFrame, scope: Scope) -> Completeness:
    """Find the numbers that are missing, and those that two different records carry.

    Without dates every number from 1 up to a producer's greatest must be there, with dates those from the
    smallest to the greatest of what was polled on them. Gaps so new that what they lack may still be on its way
    are only counted.

    Args:
        ticks: columns of :data:`jobs.schema.TICKS`, of all dates.
        scope: the dates, and what can be judged.
    """
    counted = ticks.filter(f.col("added_by").isNull() | (f.col("added_by") == AUDIT))
    bounds = find_bounds(counted, scope.dates).persist()
    try:
        if not scope.dates.is_all:
            # Late and rejected records lie on other dates than their neighbours. So all dates are looked through,
            # but only where something is missing on these.
            found = _check(counted.filter(scope.dates.widened().include("date")), bounds, scope)
            if not (found.gap_count or found.open_gaps):
                return found
        return _check(counted, bounds, scope)
    finally:
        bounds.unpersist()


def _check(counted: DataFrame, bounds: DataFrame, scope: Scope) -> Completeness:
    within = within_bounds(counted, bounds)
    numbers = find_numbers(within)
    buckets = fill_buckets(numbers).persist()
    gaps = _judge(find_gaps(within, buckets), scope).persist()
    try:
        totals = {row["state"]: row for row in gaps.groupBy("state").agg(*_totals()).collect()}
        sums = (f.sum("doubles").alias("doubles"), f.sum("count").alias("numbers"))
        total = buckets.agg(*sums, f.countDistinct("producer_id").alias("producers")).collect()[0]
        return Completeness(
            producers=_list_producers(buckets, gaps),
            producer_count=total["producers"],
            numbers=total["numbers"] or 0,
            gaps=_list_gaps(gaps) if _MISSING in totals else (),
            gap_count=_total(totals, _MISSING, "gaps"),
            missing=_total(totals, _MISSING, "records"),
            conflicts=_list_conflicts(numbers) if total["doubles"] else (),
            conflict_count=total["doubles"] or 0,
            open_gaps=_total(totals, _OPEN, "gaps"),
            unnumbered=bounds.agg(f.sum("unnumbered").alias("rows")).collect()[0]["rows"] or 0,
        )
    finally:
        gaps.unpersist()
        buckets.unpersist()


def _judge(gaps: DataFrame, scope: Scope) -> DataFrame:
    """Tell what is missing from what may still come, and from what may be gone by retention."""
    is_open, is_unknown = f.lit(False), f.lit(False)
    if scope.polls_until_ms is not None:
        is_open = f.col("behind_polled") > scope.polls_until_ms
    if scope.begins_at_tip:
        is_unknown |= f.col("is_beginning")
    if scope.kept_from is not None:
        is_unknown |= _may_be_deleted(scope.kept_from)
    return gaps.withColumn("state", f.when(is_open, _OPEN).when(is_unknown, _UNKNOWN).otherwise(_MISSING))


def _may_be_deleted(kept_from: date) -> Column:
    """Tell whether what lies between two records may have come before the first date that is kept.

    Not only what lies before the first record of all: a date of long ago that still gets rows is kept with all it has,
    while the neighbours of those rows go with their own dates.
    """
    before, behind = (
        f.to_date(f.timestamp_millis(f.coalesce(f"{side}_arrived", f"{side}_polled"))) for side in ("before", "behind")
    )
    first = f.lit(kept_from.isoformat()).cast("date")
    edge = f.lit((kept_from + _SILENCE).isoformat()).cast("date")
    return (f.col("is_beginning") | (before < first)) & (behind <= edge)


def _totals() -> tuple[Column, Column]:
    return f.count("*").alias("gaps"), f.sum(f.expr(_COUNT)).alias("records")


def _total(totals: Mapping[str, Row], state: str, column: str) -> int:
    return int(totals[state][column]) if state in totals else 0


def _list_producers(buckets: DataFrame, gaps: DataFrame) -> tuple[Producer, ...]:
    """Tell what is there of each producer, those that lack most first."""
    found = buckets.groupBy("producer_id").agg(
        f.min("first").alias("first"), f.max("last").alias("last"), f.sum("count").alias("count")
    )
    lacking = gaps.groupBy("producer_id").agg(
        f.sum(f.when(f.col("state") == _MISSING, f.expr(_COUNT))).alias("missing"),
        f.max(f.when(f.col("state") == _UNKNOWN, f.col("to_seq") + 1)).alias("judged_from"),
    )
    order = (f.desc_nulls_last("missing"), "producer_id")
    rows = found.join(lacking, "producer_id", "left").orderBy(*order).limit(MAX_FINDINGS).collect()
    return tuple(
        Producer(
            producer_id=row["producer_id"],
            first_seq=row["first"],
            last_seq=row["last"],
            count=row["count"],
            missing=row["missing"] or 0,
            judged_from=row["judged_from"],
        )
        for row in rows
    )


def _list_gaps(gaps: DataFrame) -> tuple[Gap, ...]:
    rows = gaps.filter(f.col("state") == _MISSING).orderBy("producer_id", "from_seq").limit(MAX_FINDINGS).collect()
    return tuple(
        Gap(
            producer_id=row["producer_id"],
            from_seq=row["from_seq"],
            to_seq=row["to_seq"],
            before=None if row["is_beginning"] else Moment(row["before_polled"], row["before_arrived"]),
            behind=Moment(row["behind_polled"], row["behind_arrived"]),
        )
        for row in rows
    )


def _list_conflicts(numbers: DataFrame) -> tuple[Conflict, ...]:
    rows = numbers.filter("is_double").orderBy("producer_id", "seq").limit(MAX_FINDINGS).collect()
    return tuple(
        Conflict(
            producer_id=row["producer_id"],
            seq=row["seq"],
            first=Moment(row["polled_first"], row["arrived_first"]),
            last=Moment(row["polled_last"], row["arrived_last"]),
        )
        for row in rows
    )
