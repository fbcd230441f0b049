"""Whatever a record is, it becomes one row with the right status."""

from random import Random

from pyspark.sql import SparkSession

from faults.hostile import Hostile, fuzzed, hostile_ids, wrong_clocks
from faults.hostile_parser import AT_MS, DRILL, judge, records
from faults.hostile_verdict import outcome_of


def test_hostile_records_straight_to_the_parser(spark: SparkSession) -> None:
    hostile = list(records(Random(1), DRILL.short))
    outcome = judge(spark, hostile)
    assert outcome.broken == ()
    assert outcome.counts["rows"] == outcome.counts["sent"] == len(hostile) > DRILL.short
    # Of each kind there are many, or the fuzzer would not be one.
    assert outcome.counts["rejected"] > DRILL.short / 2
    assert outcome.counts["ok"] > DRILL.short / 20


def test_the_same_seed_gives_the_same_records() -> None:
    assert list(fuzzed(AT_MS, Random(7), 200)) == list(fuzzed(AT_MS, Random(7), 200))
    assert list(fuzzed(AT_MS, Random(7), 200)) != list(fuzzed(AT_MS, Random(8), 200))


def test_every_id_and_every_clock_is_there_twice() -> None:
    assert len(list(hostile_ids(AT_MS))) > 80
    assert {each.status for each in hostile_ids(AT_MS)} == {"rejected"}
    assert {each.status for each in wrong_clocks(AT_MS, arrival=AT_MS)} == {"rejected", "late", "heartbeat"}


def row(payload: bytes, status: str, **changes: object) -> dict[str, object]:
    good = {"reason": None, "coin_id": "a", "vs_currency": "usd", "price": 1.0, "event_ms": AT_MS, "polled_ms": AT_MS}
    return {"payload": payload, "status": status, **good, **changes}


def test_the_verdict_finds_what_is_wrong() -> None:
    sent = [Hostile(b"one", "rejected", "first"), Hostile(b"two", None, "second"), Hostile(b"two", None, "second")]
    right = [row(b"one", "rejected", reason="malformed"), row(b"two", "ok"), row(b"two", "ok")]
    assert outcome_of(sent, right).counts == {"sent": 3, "rows": 3, "rejected": 1, "ok": 2}
    assert outcome_of(sent, right).broken == ()
    wrong = {
        "first: ok where rejected was due": [row(b"one", "ok"), *right[1:]],
        "rejected without a reason: b'one'": [row(b"one", "rejected"), *right[1:]],
        "1 times no row: b'two'": right[:2],
        "first: no row where rejected was due": right[1:],
        "coin_id is no id and yet accepted: b'two'": [*right[:2], row(b"two", "ok", coin_id="../a")],
        "a price of nan is accepted: b'two'": [*right[:2], row(b"two", "ok", price=float("nan"))],
        "event_ms 0 is absurd and yet accepted: b'two'": [*right[:2], row(b"two", "ok", event_ms=0)],
        "second: ok, rejected where one status was due": [*right[:2], row(b"two", "rejected", reason="x")],
    }
    for problem, rows in wrong.items():
        assert problem in outcome_of(sent, rows).broken
