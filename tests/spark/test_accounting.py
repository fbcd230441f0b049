"""Every row of ``ticks`` is one thing; the counts are worked by hand."""

from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from jobs.accounting import account
from jobs.audit_model import Accounting
from jobs.audit_scope import Dates
from tests.support.rows import row, ticks_of


def count(spark: SparkSession, rows: list[dict[str, Any]], dates: Dates = Dates()) -> Accounting:  # noqa: B008
    return account(ticks_of(spark, rows), dates)


def classes(ok: int = 0, late: int = 0, rejected: int = 0, heartbeat: int = 0) -> dict[str, int]:
    return {"ok": ok, "late": late, "rejected": rejected, "heartbeat": heartbeat}


def test_every_class(spark: SparkSession) -> None:
    heartbeat: dict[str, Any] = {
        "status": "heartbeat",
        "coin_id": "_heartbeat",
        "vs_currency": "_heartbeat",
        "tick_id": 77,
    }
    rejected: dict[str, Any] = {"status": "rejected", "tick_id": 0}
    malformed = {**rejected, "producer_id": None}
    rows = [
        # Two ticks, one of them read once more, and sent once more.
        row(1),
        row(2),
        row(2),
        row(2, sequence_number="other"),
        # The same id in another currency is another tick.
        row(3, tick_id=1, vs_currency="eur"),
        # A late one, twice; and one that was late after it had been in time.
        row(4, status="late"),
        row(5, status="late", tick_id=4),
        row(6, status="late", tick_id=1),
        # Heartbeats are told apart by their numbers, not by what they say.
        row(7, **heartbeat),
        row(8, **heartbeat),
        row(8, **heartbeat, sequence_number="heartbeat again"),
        # Rejected: with a number, sent again; without one each record stands alone.
        row(9, **rejected),
        row(9, **rejected, sequence_number="again"),
        row(None, **malformed, sequence_number="a"),
        row(None, **malformed, sequence_number="b"),
        row(None, **malformed, sequence_number="b"),
        # What came otherwise, though it says the same as others.
        row(1, added_by="audit"),
        row(4, added_by="late"),
        row(20, added_by="backfill:files", producer_id=None),
        row(21, added_by="backfill:files", producer_id=None, status="rejected"),
    ]
    found = count(spark, rows)
    assert found == Accounting(
        rows=20,
        distinct=classes(ok=3, late=1, heartbeat=2, rejected=3),
        rereads=2,
        resends=5,
        added={"audit": 1, "backfill:files": 2, "late": 1},
    )
    assert (found.accounted, found.holds) == (20, True)


def test_an_empty_table(spark: SparkSession) -> None:
    assert count(spark, []) == Accounting(distinct=classes())


def test_only_the_dates_that_are_asked_for(spark: SparkSession) -> None:
    rows = [row(day, date=date(2026, 1, day)) for day in (4, 5, 6, 7)]
    assert count(spark, rows, Dates(date(2026, 1, 5), date(2026, 1, 7))).distinct == classes(ok=2)


def test_the_sum_fails_where_a_row_is_in_no_class(spark: SparkSession) -> None:
    found = count(spark, [row(1), row(2, status="odd"), row(3, status=None)])
    assert (found.rows, found.accounted, found.holds) == (3, 1, False)


def test_the_sum_fails_where_one_record_was_taken_for_two_things(spark: SparkSession) -> None:
    found = count(spark, [row(1), row(1, status="rejected")])
    assert (found.rows, found.holds) == (2, False)
