import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as f

from jobs.parse import parse
from jobs.schema import KINESIS, PARSED
from pricestream.tick import Tick, heartbeat

ARRIVED = datetime(2026, 1, 5, 9, 0, 1, tzinfo=UTC)


def parsed(spark: SparkSession, *payloads: bytes | None) -> list[Row]:
    rows = [(payload, "prices", "bitcoin", str(number), ARRIVED) for number, payload in enumerate(payloads)]
    frame = parse(spark.createDataFrame(rows, KINESIS))
    assert frame.schema.simpleString() == PARSED.simpleString()
    as_numbers = {name: f.unix_millis(name) for name in ("event_time", "polled_at", "arrived_at")}
    return frame.withColumns(as_numbers).orderBy("sequence_number").collect()


def test_every_field_of_a_tick_arrives(spark: SparkSession) -> None:
    tick = Tick("bitcoin", "usd", 49357.25, 1767603599123, 1767603600456, "p1", 7, "replay", 1.5, 2.5, -3.5, 99)
    [row] = parsed(spark, tick.to_json())
    found = row.asDict()
    tick_id = found.pop("tick_id")
    assert isinstance(tick_id, int)
    assert found == {
        "v": 1,
        "coin_id": "bitcoin",
        "vs_currency": "usd",
        "price": 49357.25,
        "market_cap": 1.5,
        "volume_24h": 2.5,
        "change_24h_pct": -3.5,
        "event_time": 1767603599123,
        "polled_at": 1767603600456,
        "event_seq": 99,
        "producer_id": "p1",
        "seq": 7,
        "source": "replay",
        "payload": bytearray(tick.to_json()),
        "partition_key": "bitcoin",
        "sequence_number": "0",
        "arrived_at": 1767603601000,
    }


def test_a_heartbeat_parses(spark: SparkSession) -> None:
    [row] = parsed(spark, heartbeat(clock_ms=1767603600000, producer_id="p1", seq=1, source="replay").to_json())
    assert (row["coin_id"], row["price"], row["event_time"]) == ("_heartbeat", None, 1767603600000)


POISON = [
    None,
    b"",
    b"\x00\xff\xfe\x80",
    b"null",
    b"[]",
    b"42",
    b'"text"',
    b"{",
    b'{"v":1',
    b"[" * 5000,
    b'{"v":' + b"9" * 2000 + b"}",
    b'{"a":' * 1500 + b"1" + b"}" * 1500,
    b"\xef\xbb\xbf{}",
    b"<html>502 Bad Gateway</html>",
]


def test_poison_becomes_rows_of_nulls_with_the_payload_kept(spark: SparkSession) -> None:
    rows = parsed(spark, *POISON)
    assert len(rows) == len(POISON)
    by_number = {int(row["sequence_number"]): row for row in rows}
    for number, payload in enumerate(POISON):
        row = by_number[number]
        assert row["payload"] == (None if payload is None else bytearray(payload))
        assert row["v"] is None
        assert row["price"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_time", 9_223_372_036_854_775_807),
        ("event_time", -9_223_372_036_854_775_808),
        ("event_time", 10**30),
        ("event_time", "yesterday"),
        ("event_time", 1.5),
        ("polled_at", 0),
        ("price", "49357"),
        ("price", {"usd": 1}),
        ("seq", 10**40),
        ("v", "one"),
    ],
)
def test_a_field_that_cannot_be_is_null_and_the_others_stay(spark: SparkSession, field: str, value: Any) -> None:
    record = json.loads(Tick("bitcoin", "usd", 1.0, 1767603599123, 1767603600456, "p1", 7, "replay").to_json())
    [row] = parsed(spark, json.dumps({**record, field: value}).encode())
    assert row[field] is None
    assert row["coin_id"] == "bitcoin"


def identity(**changes: Any) -> bytes:
    base = {"coin_id": "a", "vs_currency": "usd", "price": 1.0, "event_time": 1767603599123, "event_seq": None}
    rest = {"polled_at": 1767603600456, "producer_id": "p", "seq": 1, "source": "replay"}
    return Tick(**{**base, **rest, **changes}).to_json()


def test_a_tick_sent_or_polled_twice_is_one_tick(spark: SparkSession) -> None:
    first, *again = parsed(
        spark,
        identity(),
        identity(seq=2),
        identity(polled_at=1767603700000),
        identity(producer_id="q"),
        identity(source="backfill"),
    )
    assert {row["tick_id"] for row in again} == {first["tick_id"]}


def test_what_differs_in_its_identity_is_another_tick(spark: SparkSession) -> None:
    rows = parsed(
        spark,
        identity(),
        identity(coin_id="b"),
        identity(vs_currency="eur"),
        identity(price=1.0000000000000002),
        identity(event_time=1767603599124),
        identity(event_seq=1),
        identity(event_seq=2),
    )
    assert len({row["tick_id"] for row in rows}) == len(rows)
