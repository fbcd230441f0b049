"""Each rule at its edge, as a table."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.parse import parse
from jobs.schema import KINESIS, TICKS
from jobs.spark_setting import set_for_a_while
from jobs.validate import validate
from pricestream.tick import EARLIEST_MS, LATEST_MS, Tick, heartbeat

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOON_MS = 1_767_614_400_000
ARRIVED = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
ARRIVED_MS = int(ARRIVED.timestamp()) * 1000
LATENESS = 300


def record(**changes: Any) -> bytes:
    tick = Tick("bitcoin", "usd", 1.5, NOON_MS, NOON_MS, "p", 1, "coingecko")
    return json.dumps({**json.loads(tick.to_json()), **changes}).encode()


def beat(clock_ms: int) -> bytes:
    return heartbeat(clock_ms=clock_ms, producer_id="p", seq=1, source="coingecko").to_json()


def judge(spark: SparkSession, payload: bytes) -> Row:
    parsed = parse(spark.createDataFrame([(payload, "prices", "k", "1", ARRIVED)], KINESIS))
    judged = validate(parsed, allowed_lateness_seconds=LATENESS)
    assert judged.schema.simpleString() == TICKS.simpleString()
    return judged.collect()[0]


CASES: list[tuple[bytes, str, str | None]] = [
    (record(), "ok", None),
    (record(price=1e-100), "ok", None),
    (record(price=1e100), "ok", None),
    (record(price=9e-101), "rejected", "bad_price"),
    (record(price=1.1e100), "rejected", "bad_price"),
    (record(price=5e-324), "rejected", "bad_price"),
    (record(price=1), "ok", None),
    (record(market_cap=None, volume_24h=None), "ok", None),
    # Late: more than the allowed lateness before the poll.
    (record(event_time=NOON_MS - 300_000), "ok", None),
    (record(event_time=NOON_MS - 300_001), "late", "older_than_allowed_lateness"),
    # The future: more than two minutes after the poll.
    (record(event_time=NOON_MS + 120_000), "ok", None),
    (record(event_time=NOON_MS + 120_001), "rejected", "event_after_poll"),
    # The future by the stream's clock, whatever the producer's says: a tick, and a heartbeat, which closes windows.
    (record(event_time=ARRIVED_MS + 120_000, polled_at=ARRIVED_MS + 120_000), "ok", None),
    (record(event_time=ARRIVED_MS + 120_001, polled_at=ARRIVED_MS + 120_001), "rejected", "event_after_arrival"),
    (record(event_time=ARRIVED_MS, polled_at=ARRIVED_MS + 200_000), "ok", None),
    (beat(ARRIVED_MS + 120_000), "heartbeat", None),
    (beat(ARRIVED_MS + 120_001), "rejected", "event_after_arrival"),
    (record(event_time=LATEST_MS - 1, polled_at=LATEST_MS - 1, source="simulated"), "ok", None),
    # Prices.
    (record(price=None), "rejected", "bad_price"),
    (record(price=0), "rejected", "bad_price"),
    (record(price=-1.5), "rejected", "bad_price"),
    (record(price=float("nan")), "rejected", "bad_price"),
    (record(price=float("inf")), "rejected", "bad_price"),
    (record(price="1.5"), "rejected", "bad_price"),
    (record().replace(b"1.5", b"1e999"), "rejected", "bad_price"),
    # Times.
    (record(event_time=None), "rejected", "absurd_time"),
    (record(event_time=EARLIEST_MS - 1), "rejected", "absurd_time"),
    (record(event_time=LATEST_MS + 1, polled_at=LATEST_MS + 1), "rejected", "absurd_time"),
    (record(polled_at=None), "rejected", "absurd_time"),
    (record(event_time=9_223_372_036_854_775_807), "rejected", "absurd_time"),
    # Ids.
    (record(coin_id="../../etc/passwd"), "rejected", "bad_coin_id"),
    (record(coin_id="=1+1"), "rejected", "bad_coin_id"),
    (record(coin_id="bitcoin\n"), "rejected", "bad_coin_id"),
    (record(coin_id="bit\u0000coin"), "rejected", "bad_coin_id"),
    (record(coin_id="a" * 129), "rejected", "bad_coin_id"),
    (record(coin_id=""), "rejected", "bad_coin_id"),
    (record(coin_id=None), "rejected", "bad_coin_id"),
    (record(coin_id="Bitcoin"), "rejected", "bad_coin_id"),
    (record(vs_currency="us/d"), "rejected", "bad_vs_currency"),
    # The whole.
    (b"{}", "rejected", "malformed"),
    (b"no json", "rejected", "malformed"),
    (record(v=2), "rejected", "unknown_version"),
    (heartbeat(clock_ms=NOON_MS, producer_id="p", seq=1, source="replay").to_json(), "heartbeat", None),
    (heartbeat(clock_ms=LATEST_MS + 1, producer_id="p", seq=1, source="replay").to_json(), "rejected", "absurd_time"),
]


def test_every_rule_at_its_edge(spark: SparkSession) -> None:
    rows = [(payload, "prices", "k", str(number), ARRIVED) for number, (payload, _, _) in enumerate(CASES)]
    judged = validate(parse(spark.createDataFrame(rows, KINESIS)), allowed_lateness_seconds=LATENESS)
    found = {int(row["sequence_number"]): (row["status"], row["reason"]) for row in judged.collect()}
    wrong = [
        (payload[:120], expected, found[number])
        for number, (payload, *expected) in enumerate(CASES)
        if found[number] != tuple(expected)
    ]
    assert wrong == []


def test_a_row_lies_on_the_date_of_its_event(spark: SparkSession) -> None:
    just_before_midnight = NOON + timedelta(hours=11, minutes=59, seconds=59)
    at = int(just_before_midnight.timestamp() * 1000)
    row = judge(spark, record(event_time=at, polled_at=at))
    assert row["date"] == date(2026, 1, 5)


@pytest.mark.parametrize("payload", [b"no json", record(price=0)])
def test_a_rejected_row_lies_on_the_date_of_its_arrival(spark: SparkSession, payload: bytes) -> None:
    assert judge(spark, payload)["date"] == date(2026, 3, 1)


def test_what_the_stream_reads_is_added_by_nobody(spark: SparkSession) -> None:
    row = judge(spark, record())
    assert row["added_by"] is None
    assert row["ingested_at"] is not None


def test_micro_batches_run_the_code_that_was_compiled_for_the_first(spark: SparkSession, tmp_path: Path) -> None:
    """Each has a time of its own, which must not be a number in that code."""
    inbox = tmp_path / "inbox"
    records = spark.createDataFrame([(record(), "prices", "k", "1", ARRIVED)], KINESIS)
    parts = spark._jvm.org.apache.spark.sql.execution.debug  # type: ignore[union-attr]
    codes, times = [], []
    compiled = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
    with set_for_a_while(spark, compiled):
        records.write.parquet(str(inbox))
        ticks = validate(parse(spark.readStream.schema(KINESIS).parquet(str(inbox))), allowed_lateness_seconds=LATENESS)
        query = ticks.writeStream.format("memory").queryName("compiled").start()
        try:
            for _ in range(2):
                query.processAllAvailable()
                plan = query._jsq.streamingQuery().lastExecution().executedPlan()
                stages = getattr(getattr(parts, "package$"), "MODULE$").codegenStringSeq(plan)
                codes.append([stages.apply(number)._2() for number in range(stages.size())])
                times.append(spark.sql("SELECT max(ingested_at) FROM compiled").collect()[0][0])
                records.write.mode("append").parquet(str(inbox))
        finally:
            query.stop()
    assert codes[0]
    assert codes[0] == codes[1]
    assert times[0] < times[1]
