"""Rows that are added to ``ticks``: each once, however often, beside what the stream has brought."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from jobs import landing
from jobs.history_files import TickHistory, open_history
from jobs.landing import Landed, land, take_in_late
from jobs.parse import parse
from jobs.schema import KINESIS, TICKS
from jobs.session import DATES_SIDE_BY_SIDE
from jobs.tables import append_ticks, create_tables, read_ticks
from jobs.validate import validate
from jobs.window import of_interest
from pricestream.settings import Settings
from pricestream.tick import Tick

T0 = 1_767_614_400  # 2026-01-05T12:00:00Z
DAY = date(2026, 1, 5)


@pytest.fixture
def settings(spark: SparkSession, make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    create_tables(spark, made.job)
    return made


def record(at_s: float, price: float | None = 1.0, *, coin: str = "bitcoin", late_by_s: int = 0, **more: Any) -> bytes:
    at_ms = round(at_s * 1000)
    values: dict[str, Any] = {"producer_id": "p", "seq": 1, "source": "replay", **more}
    return Tick(coin, "usd", price, at_ms, at_ms + late_by_s * 1000, **values).to_json()


def parsed(spark: SparkSession, *payloads: bytes) -> DataFrame:
    """What a file of these rows is parsed to: it arrived nowhere."""
    records = spark.createDataFrame([(payload, "s", "k", None, None) for payload in payloads], KINESIS)
    return parse(records)


def streamed(spark: SparkSession, settings: Settings, *payloads: bytes) -> None:
    """Land rows the way the stream does."""
    arrived = datetime(2026, 1, 5, 12, 1, tzinfo=UTC)
    rows = [(payload, "s", "k", str(number), arrived) for number, payload in enumerate(payloads)]
    judged = validate(
        parse(spark.createDataFrame(rows, KINESIS)), allowed_lateness_seconds=settings.job.allowed_lateness_seconds
    )
    append_ticks(judged, settings.job)


def rows_of(spark: SparkSession, settings: Settings) -> list[Row]:
    return read_ticks(spark, settings.job).orderBy("event_time", "coin_id", "price", "added_by").collect()


def test_what_is_landed_is_marked_and_judged(spark: SparkSession, settings: Settings) -> None:
    before = datetime.now(UTC)
    landed = land(
        parsed(spark, record(T0 + 86_400, 2.0), record(T0), record(T0, 0.0)), settings, added_by="backfill:files"
    )
    today = datetime.now(UTC).date()
    assert landed == Landed(
        rows=3,
        by_status={"ok": 2, "rejected": 1},
        already_there=0,
        first_s=T0,
        last_s=T0 + 86_400,
        dates=frozenset({DAY, DAY + timedelta(days=1)}),
    )
    frame = read_ticks(spark, settings.job)
    assert frame.schema.simpleString() == TICKS.simpleString()
    rows = frame.withColumn("ingested_s", f.unix_seconds("ingested_at")).orderBy("status", "date").collect()
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", None), ("ok", None), ("rejected", "bad_price")]
    assert {row["added_by"] for row in rows} == {"backfill:files"}
    assert {row["ingested_at"] for row in rows} == {rows[0]["ingested_at"]}
    assert before.timestamp() - 1 <= rows[0]["ingested_s"] <= datetime.now(UTC).timestamp()
    # A rejected row that arrived nowhere has the date of the attempt.
    assert [row["date"] for row in rows] == [DAY, DAY + timedelta(days=1), today]
    assert of_interest(frame).count() == 0


def test_nothing_lands_as_nothing(spark: SparkSession, settings: Settings) -> None:
    assert land(parsed(spark).limit(0), settings, added_by="x") == Landed(0, {}, 0, None, None, frozenset())
    assert rows_of(spark, settings) == []


def test_what_the_stream_has_brought_is_not_added_again(spark: SparkSession, settings: Settings) -> None:
    streamed(spark, settings, record(T0), record(T0 + 1, late_by_s=3_600), record(T0 + 2, 0.0))
    again = parsed(
        spark,
        record(T0),
        # Set aside as late by the stream, but it is there.
        record(T0 + 1),
        # Rejected by the stream: another record, of which nothing is known but that it is bad too.
        record(T0 + 2, 0.0),
        record(T0, coin="ethereum"),
        record(T0, 1.5),
        record(T0, event_seq=1),
    )
    landed = land(again, settings, added_by="backfill:files")
    assert (landed.rows, landed.by_status, landed.already_there) == (4, {"ok": 3, "rejected": 1}, 2)
    assert (landed.first_s, landed.last_s, landed.dates) == (T0, T0 + 1, frozenset({DAY}))
    assert len(rows_of(spark, settings)) == 7


def test_a_second_time_adds_nothing(spark: SparkSession, settings: Settings) -> None:
    payloads = [record(T0), record(T0), record(T0 + 86_400), b"no json", b"no json", b"{}"]
    first = land(parsed(spark, *payloads), settings, added_by="backfill:files")
    assert (first.rows, first.by_status, first.already_there) == (4, {"ok": 2, "rejected": 2}, 2)
    second = land(parsed(spark, *payloads), settings, added_by="backfill:files")
    assert (second.rows, second.by_status, second.already_there) == (0, {}, 6)
    # So that the bars which the first run may not have come to are made all the same.
    assert (second.first_s, second.last_s, second.dates) == (first.first_s, first.last_s, first.dates)
    # Another source's bad rows are its own.
    third = land(parsed(spark, *payloads), settings, added_by="backfill:coingecko")
    assert (third.rows, third.by_status, third.already_there) == (2, {"rejected": 2}, 4)


@pytest.mark.parametrize("days", [3, DATES_SIDE_BY_SIDE + 1])
def test_however_many_dates_there_are_each_row_lands_once(spark: SparkSession, settings: Settings, days: int) -> None:
    """A few are written side by side, of more one after the other."""
    times = [T0 + day * 86_400 + number for day in range(days) for number in range(4)]
    land(parsed(spark, *(record(each) for each in times[::4])), settings, added_by="backfill:files")
    wanted = [record(each) for each in times]
    landed = land(parsed(spark, *wanted, *reversed(wanted)), settings, added_by="backfill:files")
    assert (landed.rows, landed.already_there) == (3 * days, 5 * days)
    assert [row["event_time"].timestamp() for row in rows_of(spark, settings)] == times
    # One file of each date from each of the two runs, for there are few rows.
    files = [Path(each).parent.name for each in read_ticks(spark, settings.job).inputFiles()]
    assert sorted(files) == sorted(2 * [f"date={DAY + timedelta(days=day)}" for day in range(days)])


def test_a_rejected_row_is_recognised_on_another_day(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Yesterday":
            return cls.fromtimestamp(datetime.now(tz).timestamp() - 86_400, tz)

    with monkeypatch.context() as patch:
        patch.setattr(landing, "datetime", Yesterday)
        assert land(parsed(spark, b"no json"), settings, added_by="x").rows == 1
    assert rows_of(spark, settings)[0]["date"] == datetime.now(UTC).date() - timedelta(days=1)
    assert land(parsed(spark, b"no json"), settings, added_by="x").rows == 0


def test_a_rejected_row_that_arrived_lies_on_the_day_it_did(spark: SparkSession, settings: Settings) -> None:
    arrived = datetime(2026, 1, 6, 0, 30, tzinfo=UTC)
    frame = parse(spark.createDataFrame([(b"no json", "s", "k", "7", arrived)], KINESIS))
    assert land(frame, settings, added_by="audit").rows == 1
    assert land(frame, settings, added_by="audit").rows == 0
    assert [row["date"] for row in rows_of(spark, settings)] == [date(2026, 1, 6)]


def test_many_tasks_find_the_same(spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "_ROWS_A_TASK", 10)
    payloads = [record(T0 + number, coin=coin) for number in range(40) for coin in ("bitcoin", "ethereum")]
    half = [*payloads[::2], *(b"bad %d" % number for number in range(30))]
    assert land(parsed(spark, *half), settings, added_by="x").by_status == {"ok": 40, "rejected": 30}
    landed = land(parsed(spark, *half, *payloads), settings, added_by="x")
    assert (landed.by_status, landed.already_there) == ({"ok": 40}, 110)
    ticks = read_ticks(spark, settings.job).filter("status = 'ok'")
    assert ticks.count() == ticks.select("coin_id", "tick_id").distinct().count() == 80


def test_the_recorded_trades_land_once(spark: SparkSession, settings: Settings, real_trades: Path) -> None:
    def once() -> Landed:
        given: dict[str, Any] = {"candle_interval": None, "candle_stamp": "start"}
        history = open_history(spark, settings, str(real_trades), coin_id="ripple", vs_currency="eth", **given)
        assert isinstance(history, TickHistory)
        return land(history.ticks, settings, added_by="backfill:files")

    first = once()
    assert (first.rows, first.by_status, first.already_there) == (12_477, {"ok": 12_477}, 0)
    assert sorted(first.dates) == [date(2019, 10, 11), date(2019, 10, 12), date(2019, 10, 13)]
    assert first.first_s == 1_570_752_011
    second = once()
    assert (second.rows, second.already_there) == (0, 12_477)
    files = list(Path(settings.job.ticks).glob("date=*/*.parquet"))
    # A date is written by one task, into one file.
    assert len(files) == 3


def late_rows(spark: SparkSession, settings: Settings) -> list[tuple[Any, ...]]:
    is_taken_in = f.col("added_by") == "late"
    rows = read_ticks(spark, settings.job).filter(is_taken_in).withColumn("at", f.unix_seconds("event_time"))
    return sorted((row["at"] - T0, row["coin_id"], row["status"], row["reason"]) for row in rows.collect())


def test_late_ticks_are_taken_in_once(spark: SparkSession, settings: Settings) -> None:
    late = [record(T0 + 10, late_by_s=3_600), record(T0 + 20, late_by_s=3_600, coin="ethereum")]
    streamed(
        spark,
        settings,
        record(T0),
        *late,
        # The same tick, polled and sent twice.
        late[0],
        record(T0 + 10, late_by_s=7_200),
        # Came in time once, and once more too late.
        record(T0 + 30),
        record(T0 + 30, late_by_s=3_600),
        # Outside of the range: just before it, and at its end.
        record(T0 - 0.001, late_by_s=3_600),
        record(T0 + 60, late_by_s=3_600),
    )
    landed = take_in_late(spark, settings, start_s=T0, end_s=T0 + 60, coins=None)
    assert (landed.rows, landed.by_status, landed.already_there) == (2, {"ok": 2}, 3)
    assert (landed.first_s, landed.last_s, landed.dates) == (T0 + 10, T0 + 30, frozenset({DAY}))
    expected = [(10, "bitcoin", "ok", "late_taken_in"), (20, "ethereum", "ok", "late_taken_in")]
    assert late_rows(spark, settings) == expected
    again = take_in_late(spark, settings, start_s=T0, end_s=T0 + 60, coins=None)
    assert (again.rows, again.already_there, again.dates) == (0, 5, frozenset({DAY}))
    assert late_rows(spark, settings) == expected


def test_a_copy_keeps_what_its_row_says(spark: SparkSession, settings: Settings) -> None:
    streamed(spark, settings, record(T0, late_by_s=3_600, market_cap=5.0, seq=77))
    take_in_late(spark, settings, start_s=T0, end_s=T0 + 1, coins=None)
    original, copy = read_ticks(spark, settings.job).orderBy("status").collect()  # late, ok
    changed = {name for name in TICKS.names if original[name] != copy[name]}
    assert changed == {"status", "reason", "ingested_at", "added_by"}
    assert json.loads(copy["payload"])["seq"] == 77


def test_only_the_coins_that_were_named(spark: SparkSession, settings: Settings) -> None:
    streamed(spark, settings, *(record(T0, late_by_s=3_600, coin=coin) for coin in ("bitcoin", "ethereum", "solana")))
    take_in_late(spark, settings, start_s=T0, end_s=T0 + 60, coins=["solana", "bitcoin"])
    assert [row[1] for row in late_rows(spark, settings)] == ["bitcoin", "solana"]


def test_a_range_without_late_ticks(spark: SparkSession, settings: Settings) -> None:
    streamed(spark, settings, record(T0))
    assert take_in_late(spark, settings, start_s=T0, end_s=T0, coins=None).rows == 0
    assert take_in_late(spark, settings, start_s=T0, end_s=T0 + 60, coins=None).rows == 0
