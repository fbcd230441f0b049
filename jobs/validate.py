"""Validate: every row gets a status and, where it is turned away, a reason. No row is dropped.

The rules read stored columns only, never the clock of the machine, so that the stream, a backfill
and a rebuild judge the same record the same way.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.schema import HEARTBEAT, LATE, OK, REJECTED, TICKS
from pricestream.tick import (
    CLOCK_SKEW_SECONDS,
    CONTRACT_VERSION,
    GREATEST_PRICE,
    HEARTBEAT_ID,
    ID_PATTERN,
    LEAST_PRICE,
)


def validate(parsed: DataFrame, *, allowed_lateness_seconds: int) -> DataFrame:
    r"""Judge parsed records.

    Args:
        parsed: columns of :data:`jobs.schema.PARSED`.
        allowed_lateness_seconds: an event more than this before its ``polled_at`` is late.

    Returns:
        The same rows, columns of :data:`jobs.schema.TICKS`: ``status`` is ok, late, rejected or
        heartbeat, ``reason`` is null for ok and heartbeat. ``date`` is the event's, or the
        arrival's where the record is rejected.
    """
    judged = parsed.withColumn("reason", _reason_to_reject()).withColumn("status", _status(allowed_lateness_seconds))
    is_late = f.col("status") == LATE
    is_rejected = f.col("status") == REJECTED
    ingested_at = _now()
    arrival = f.coalesce("arrived_at", ingested_at)
    return judged.withColumns(
        {
            "reason": f.when(is_late, f.lit("older_than_allowed_lateness")).otherwise(f.col("reason")),
            "ingested_at": ingested_at,
            "added_by": f.lit(None).cast("string"),
            "date": f.to_date(f.when(is_rejected, arrival).otherwise(f.col("event_time"))),
        }
    ).select(*TICKS.names)


def _now() -> Column:
    """Give the time at which the batch began.

    As it stands it would be a number in the code that Spark makes of the query: each micro-batch would compile it anew,
    and run it as slowly as at the first start. A function with a lambda is no part of that code.
    """
    return f.aggregate(f.array(f.lit(0)), f.current_timestamp(), lambda now, _: now)


def _status(allowed_lateness_seconds: int) -> Column:
    lateness = f.expr(f"INTERVAL {int(allowed_lateness_seconds)} SECONDS")
    is_late = f.col("event_time") < f.col("polled_at") - lateness
    return (
        f.when(f.col("reason").isNotNull(), REJECTED).when(_is_heartbeat(), HEARTBEAT).when(is_late, LATE).otherwise(OK)
    )


def _reason_to_reject() -> Column:
    """Name the first rule that a record breaks; null where it breaks none."""
    skew = f.expr(f"INTERVAL {CLOCK_SKEW_SECONDS} SECONDS")
    is_tick = ~_is_heartbeat()
    rules = {
        "malformed": f.col("v").isNull(),
        "unknown_version": f.col("v") != CONTRACT_VERSION,
        "bad_coin_id": is_tick & ~is_id("coin_id"),
        "bad_vs_currency": is_tick & ~is_id("vs_currency"),
        "absurd_time": f.col("event_time").isNull() | f.col("polled_at").isNull(),
        "bad_price": is_tick & ~is_price("price"),
        "event_after_poll": f.col("event_time") > f.col("polled_at") + skew,
        # By the stream's own clock: one heartbeat of a producer whose clock is years ahead would close every window
        # up to then. A made-up market keeps its own time.
        "event_after_arrival": ~_is_simulated() & (f.col("event_time") > f.col("arrived_at") + skew),
    }
    return first_reason(rules)


def first_reason(rules: dict[str, Column]) -> Column:
    """Name the first of these rules that fires; null where none does."""
    # From the last rule to the first, so that the first that fires gives the reason.
    no_reason = f.lit(None).cast("string")
    return reduce(lambda rest, rule: f.when(rule[1], rule[0]).otherwise(rest), reversed(rules.items()), no_reason)


def _is_heartbeat() -> Column:
    return f.coalesce(f.col("coin_id") == HEARTBEAT_ID, f.lit(False))


def _is_simulated() -> Column:
    return f.coalesce(f.col("source") == "simulated", f.lit(False))


def is_price(name: str) -> Column:
    """Tell whether a column holds a price that can be reckoned with; false for null."""
    return f.coalesce(f.col(name).between(LEAST_PRICE, GREATEST_PRICE), f.lit(False))


def is_id(name: str) -> Column:
    """Tell whether a column holds what may be a coin's or a currency's id; false for null."""
    # \A and \z, because $ would let a trailing newline through.
    return f.coalesce(f.col(name).rlike(rf"\A{ID_PATTERN}\z"), f.lit(False))
