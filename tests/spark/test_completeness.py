"""Which numbers are missing, by hand-made rows and against a model in plain Python.

producer p   1 2 3 . . 6 7 ...        4 and 5 are missing, between 09:03 and 09:06
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

import jobs.audit_gaps
from jobs.audit_model import Completeness, Gap, Moment, Producer
from jobs.audit_scope import Dates, Scope
from jobs.completeness import check_completeness
from tests.support.rows import NINE, row, ticks_of

ALL = Scope(
    Dates(), 0, None, is_running=False, is_streamed=False, kept_from=None, bars_kept_from=None, begins_at_tip=False
)

NINE_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000
DAY = timedelta(days=1)


def scope(**changes: Any) -> Scope:
    return Scope(**(vars(ALL) | changes))


def check(spark: SparkSession, rows: list[dict[str, Any]], of: Scope = ALL) -> Completeness:
    return check_completeness(ticks_of(spark, rows), of)


def ranges(found: Completeness) -> list[tuple[str, int, int]]:
    return [(gap.producer_id, gap.from_seq, gap.to_seq) for gap in found.gaps]


def at(minute: int) -> Moment:
    # A record comes two seconds after its poll.
    return Moment(NINE_MS + minute * MINUTE, NINE_MS + minute * MINUTE + 2_000)


def test_nothing_is_missing(spark: SparkSession) -> None:
    found = check(spark, [row(seq) for seq in (1, 2, 3)])
    assert found == Completeness(producers=(Producer("p", 1, 3, 3, 0, None),), producer_count=1, numbers=3)
    assert found.holds


def test_an_empty_table_holds(spark: SparkSession) -> None:
    assert check(spark, []) == Completeness()


def test_a_gap_is_named_with_the_times_of_its_neighbours(spark: SparkSession) -> None:
    found = check(spark, [row(seq) for seq in (1, 2, 3, 6, 7)])
    assert found.gaps == (Gap("p", 4, 5, before=at(3), behind=at(6)),)
    assert (found.gap_count, found.missing, found.holds) == (1, 2, False)
    assert found.producers == (Producer("p", 1, 7, 5, 2, None),)


def test_a_counter_begins_at_one(spark: SparkSession) -> None:
    assert check(spark, [row(4), row(5)]).gaps == (Gap("p", 1, 3, before=None, behind=at(4)),)


def test_producers_count_apart(spark: SparkSession) -> None:
    rows = [row(1), row(2), row(3, producer_id="q"), row(1, producer_id="q"), row(4)]
    assert ranges(check(spark, rows)) == [("p", 3, 3), ("q", 2, 2)]


def test_a_record_that_was_read_or_sent_twice_counts_once(spark: SparkSession) -> None:
    assert check(spark, [row(1), row(1), row(1, sequence_number="sent again"), row(2)]).holds


def test_gaps_at_the_edges_of_buckets(spark: SparkSession) -> None:
    there = [99_997, 99_998, 99_999, 100_000, 100_001, 199_998, 199_999, 200_000]
    left_out = {"p": 99_999, "q": 100_000, "r": 199_999}
    rows = [row(seq, producer_id=each) for each, edge in left_out.items() for seq in there if seq != edge]
    since = scope(dates=Dates(date(2026, 1, 1), None))
    assert ranges(check(spark, rows, since)) == [
        ("p", 99_999, 99_999),
        ("p", 100_002, 199_997),
        ("q", 100_000, 100_000),
        ("q", 100_002, 199_997),
        ("r", 100_002, 199_997),
        ("r", 199_999, 199_999),
    ]


def test_a_gap_over_many_buckets_is_one(spark: SparkSession) -> None:
    found = check(spark, [row(1), row(2_000_000_000)])
    assert ranges(found) == [("p", 2, 1_999_999_999)]
    assert found.missing == 1_999_999_998


def test_what_a_backfill_added_says_nothing(spark: SparkSession) -> None:
    rows = [row(1), row(2, added_by="backfill:files"), row(2, added_by="late"), row(3)]
    assert ranges(check(spark, rows)) == [("p", 2, 2)]


def test_what_a_repair_landed_fills_a_gap(spark: SparkSession) -> None:
    assert check(spark, [row(1), row(2, added_by="audit"), row(3)]).holds


def test_a_rejected_record_fills_its_number_but_is_not_believed_how_far_one_counted(spark: SparkSession) -> None:
    rejected: dict[str, Any] = {"status": "rejected", "polled_at": None, "event_time": None}
    rows = [row(1, **rejected), row(2), row(3, **rejected), row(4), row(10**18, **rejected)]
    rows += [row(5, producer_id="never accepted", **rejected), row(None, producer_id=None, **rejected)]
    found = check(spark, rows)
    assert found.holds
    assert found.producers == (Producer("p", 1, 4, 4, 0, None),)


def test_accepted_records_without_a_number_are_counted(spark: SparkSession) -> None:
    found = check(spark, [row(1), row(None), row(2, producer_id=None), row(0), row(-3)])
    assert (found.unnumbered, found.holds, found.producer_count) == (4, True, 1)


def test_two_records_under_one_number_are_a_finding(spark: SparkSession) -> None:
    twin = row(2, polled=NINE + timedelta(minutes=9), payload=b"another")
    found = check(spark, [row(1), row(2), row(2), twin, row(3)])
    [conflict] = found.conflicts
    assert (conflict.producer_id, conflict.seq, conflict.first, conflict.last) == ("p", 2, at(2), at(9))
    assert (found.conflict_count, found.gap_count, found.holds) == (1, 0, False)


def test_what_may_still_be_on_its_way_is_not_judged(spark: SparkSession) -> None:
    rows = [row(seq) for seq in (1, 3, 4, 6, 7)]
    running = scope(is_running=True, horizon_ms=NINE_MS + 4 * MINUTE)
    found = check(spark, rows, running)
    assert (ranges(found), found.open_gaps) == ([("p", 2, 2)], 1)
    # A job that has stopped had not read all shards equally far, and may not have closed a window yet.
    stopped = scope(is_streamed=True, horizon_ms=NINE_MS + 4 * MINUTE)
    early = scope(is_streamed=True)
    judged = [(ranges(each), each.open_gaps) for each in (check(spark, rows, of) for of in (stopped, early))]
    assert judged == [([("p", 2, 2)], 1), ([], 2)]
    # Nothing is on its way where there never was a stream.
    never = check(spark, rows, scope(horizon_ms=NINE_MS + 4 * MINUTE))
    assert (ranges(never), never.open_gaps) == ([("p", 2, 2), ("p", 5, 5)], 0)


@pytest.mark.parametrize(
    ("of", "is_unknown"),
    [
        (scope(kept_from=date(2026, 1, 5)), True),
        (scope(kept_from=date(2025, 12, 29)), True),
        (scope(kept_from=date(2025, 12, 28)), False),
        (scope(begins_at_tip=True), True),
        (ALL, False),
    ],
)
def test_what_retention_may_have_taken_or_was_never_asked_for_is_not_missing(
    spark: SparkSession, of: Scope, is_unknown: bool
) -> None:
    found = check(spark, [row(5), row(6), row(8)], of)
    # Only the beginning: 7 has neighbours that are there.
    assert ranges(found) == ([("p", 7, 7)] if is_unknown else [("p", 1, 4), ("p", 7, 7)])
    assert [each.judged_from for each in found.producers] == [5 if is_unknown else None]


def test_a_date_of_long_ago_that_is_kept_makes_no_gaps_of_what_went_with_its_own_date(spark: SparkSession) -> None:
    # A coin whose price is of June last year is polled each day; of the other, only January is kept.
    june = datetime(2025, 6, 1, tzinfo=UTC)
    stale = [
        row(seq, polled=NINE - (9 - seq) * DAY, status="late", event_time=june, date=june.date()) for seq in (1, 3)
    ]
    found = check(spark, [*stale, row(7), row(9)], scope(kept_from=date(2026, 1, 1)))
    # 2 came in December, and 4 to 6 around the first day that is kept.
    assert ranges(found) == [("p", 8, 8)]
    assert [(each.first_seq, each.judged_from) for each in found.producers] == [(1, 7)]


def test_what_came_lately_is_judged_however_old_it_is(spark: SparkSession) -> None:
    # A recording of June last year that was replayed on the fifth of January.
    june = datetime(2025, 6, 1, tzinfo=UTC)
    replayed = [row(seq, polled=june + seq * DAY, arrived_at=NINE, date=(june + seq * DAY).date()) for seq in (1, 2, 4)]
    assert ranges(check(spark, [*replayed, row(5)], scope(kept_from=date(2026, 1, 1)))) == [("p", 3, 3)]


def test_dates_ask_only_between_the_smallest_and_the_greatest_number_on_them(spark: SparkSession) -> None:
    # January   4: 1-2   5: 11 12 14   6: 21
    rows = [row(1, polled=NINE - DAY), row(2, polled=NINE - DAY), *(row(seq) for seq in (11, 12, 14))]
    rows += [row(21, polled=NINE + DAY)]
    fifth = scope(dates=Dates(date(2026, 1, 5), date(2026, 1, 6)))
    assert ranges(check(spark, rows, fifth)) == [("p", 13, 13)]
    until = scope(dates=Dates(None, date(2026, 1, 6)))
    assert ranges(check(spark, rows, until)) == [("p", 3, 10), ("p", 13, 13)]
    since = scope(dates=Dates(date(2026, 1, 5), None))
    assert ranges(check(spark, rows, since)) == [("p", 13, 13), ("p", 15, 20)]


def test_a_record_that_lies_on_another_date_than_its_neighbours_is_not_missing(spark: SparkSession) -> None:
    long_ago = datetime(2025, 6, 1, tzinfo=UTC)
    late = row(2, status="late", event_time=long_ago, date=long_ago.date())
    rejected = row(3, status="rejected", polled_at=None, date=date(2026, 2, 1))
    fifth = scope(dates=Dates(date(2026, 1, 5), date(2026, 1, 6)))
    assert check(spark, [row(1), late, rejected, row(4)], fifth).holds
    assert ranges(check(spark, [row(1), late, row(4)], fifth)) == [("p", 3, 3)]


def test_no_more_findings_are_gathered_than_can_be_used(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.completeness.MAX_FINDINGS", 2)
    found = check(spark, [row(seq) for seq in (1, 3, 5, 7)])
    assert (ranges(found), found.gap_count) == ([("p", 2, 2), ("p", 4, 4)], 3)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.tuples(st.sampled_from("pqrstuvw"), st.integers(1, 60)), max_size=300),
    st.sampled_from([1, 7, 100]),
)
def test_any_set_of_numbers_against_a_model(spark: SparkSession, there: set[tuple[str, int]], bucket: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.audit_gaps, "_BUCKET", bucket)
        found = check(spark, [row(seq, producer_id=producer) for producer, seq in there])
    missing = {(gap.producer_id, seq) for gap in found.gaps for seq in range(gap.from_seq, gap.to_seq + 1)}
    last: dict[str, int] = {}
    for producer, seq in there:
        last[producer] = max(seq, last.get(producer, 0))
    assert missing == {(p, seq) for p, end in last.items() for seq in range(1, end + 1)} - there
    assert found.missing == len(missing)
    # Ranges are whole: no two of them touch.
    assert not {(p, end + 1) for p, _, end in ranges(found)} & missing
