"""Nothing crashes the job, and nothing is dropped: every record is a row, and every tick is in its bar."""

from collections import Counter

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from jobs.tables import read_ticks
from pricestream.settings import Settings
from pricestream.tick import Tick
from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream, closing, csv_tree, market, minute_bars, status_of, wait_for

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000

POISON = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"null",
    b'{"v":1,"coin_id":"../../x","vs_currency":"usd","price":1,"event_time":1767603600000,"polled_at":1767603600000}',
    b'{"v":1,"coin_id":"a","vs_currency":"usd","price":1,"event_time":9223372036854775807,"polled_at":1}',
    Tick("bitcoin", "usd", -1.0, NINE, NINE, "p", 1, "simulated").to_json(),
    # Far ahead: would it move the watermark, every window up to 2099 would close.
    Tick("bitcoin", "usd", 1.0, NINE + 10**12, NINE, "p", 1, "simulated").to_json(),
]


def counts_by_minute(ticks: list[Tick]) -> dict[tuple[str, int], int]:
    return Counter((tick.coin_id, tick.event_time // MINUTE) for tick in ticks)


def stored_counts(spark: SparkSession, settings: Settings) -> dict[tuple[str, int], int]:
    minute = (f.unix_seconds("window_start") / 60).cast("long").alias("minute")
    rows = minute_bars(spark, settings).select("coin_id", minute, "tick_count").collect()
    found = {(row["coin_id"], row["minute"]): row["tick_count"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_an_empty_stream_then_one_record_then_poison(
    spark: SparkSession, stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    settings = make_settings(*stream.overrides)
    job = start_job(settings)
    job.wait("a first look at an empty stream", lambda: status_of(settings).get("state") == "running")
    assert status_of(settings)["ticks"]["rows"] == 0

    stream.put(POISON[0])
    job.wait("one poison record", lambda: status_of(settings)["ticks"]["rejected"] == 1)

    stream.put(*POISON[1:])
    good = market({"bitcoin": 60_000.0}, start_ms=NINE, minutes=2)
    stream.put_ticks(good)
    stream.put_ticks(good[:3])
    late = Tick("bitcoin", "usd", 5.0, NINE, NINE + 10 * MINUTE, "p", 99, "simulated")
    stream.put_ticks([late])
    stream.put(closing(settings, NINE + MINUTE * 2))
    status = job.settle(rows=stream.sent, watermark_ms=NINE + 2 * MINUTE)
    job.stop()

    assert status["ticks"] == {
        "rows": len(POISON) + len(good) + 3 + 1 + 1,
        "ok": len(good) + 3,
        "late": 1,
        "rejected": len(POISON),
        "heartbeat": 1,
    }
    rows = read_ticks(spark, settings.job)
    assert rows.count() == stream.sent
    rejected = rows.filter("status = 'rejected'")
    assert sorted(bytes(row["payload"]) for row in rejected.select("payload").collect()) == sorted(POISON)
    assert rejected.filter("reason IS NULL").count() == 0
    assert stored_counts(spark, settings) == counts_by_minute(good)


def test_a_shard_read_an_hour_behind_another_loses_no_tick(
    spark: SparkSession, stream: Stream, make_settings: MakeSettings, start_job: StartJob
) -> None:
    """Shard 1 is read to its end before shard 0 has anything.

    shard 1   09:00 |-- ethereum -----------------------| 10:00 + watermark: all closed
    shard 0   09:00 |-- bitcoin, aave ------------------| 10:00   read afterwards
    """
    two = Stream(stream.client, stream.endpoint)
    two.create(shards=2)
    settings = make_settings(*two.overrides)
    ahead = market({"ethereum": 3_000.0}, start_ms=NINE, minutes=60, every_seconds=30)
    behind = market({"bitcoin": 60_000.0, "aave": 200.0}, start_ms=NINE, minutes=60, every_seconds=30)
    job = start_job(settings)
    two.put_ticks(ahead, shard=1)
    two.put(closing(settings, NINE + MINUTE * 60), shard=1)
    job.settle(rows=two.sent, watermark_ms=NINE + 60 * MINUTE)
    assert stored_counts(spark, settings) == counts_by_minute(ahead)

    two.put_ticks(behind, shard=0)
    # In two pieces, so that some windows get their ticks from both.
    two.put(closing(settings, NINE + MINUTE * 61), shard=1)
    status = job.settle(rows=two.sent, watermark_ms=NINE + 61 * MINUTE)
    job.stop()

    assert status["bars"]["rebuilt"] >= 120
    assert stored_counts(spark, settings) == counts_by_minute(ahead + behind)
    # The tree is the one that the same ticks give in order.
    orderly = Stream(stream.client, stream.endpoint)
    orderly.create()
    orderly.put_ticks(sorted(ahead + behind, key=lambda tick: tick.event_time))
    orderly.put(closing(settings, NINE + MINUTE * 61))
    reference = make_settings(*orderly.overrides, root=f"{settings.job.ticks}-orderly")
    second = start_job(reference)
    second.settle(rows=orderly.sent, watermark_ms=NINE + 61 * MINUTE)
    second.stop()
    assert csv_tree(settings) == csv_tree(reference)


def test_a_crash_before_a_repair_is_made_up_for_at_the_next_start(
    spark: SparkSession,
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The micro-batch that dropped ticks is committed, its bars are not rebuilt yet, and then the job dies."""
    settings = make_settings(*stream.overrides)
    ahead = market({"ethereum": 3_000.0}, start_ms=NINE, minutes=5)
    behind = market({"bitcoin": 60_000.0}, start_ms=NINE, minutes=5)
    job = start_job(settings)
    stream.put_ticks(ahead)
    stream.put(closing(settings, NINE + 5 * MINUTE))
    job.settle(rows=stream.sent, watermark_ms=NINE + 5 * MINUTE)

    def dies(*_: object, **__: object) -> int:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("jobs.stragglers.rebuild", dies)
        stream.put_ticks(behind)
        wait_for("the crash", lambda: bool(job.errors))
        job.stop()
    assert isinstance(job.errors[0], MemoryError)
    assert stored_counts(spark, settings) == counts_by_minute(ahead)

    # Nothing new arrives: the restart alone must find what is missing.
    again = start_job(settings)
    again.wait("the repair", lambda: stored_counts(spark, settings) == counts_by_minute(ahead + behind))
    again.stop()
    assert b"bitcoin" in csv_tree(settings)["interval=1m/date=2026-01-05/hour=09/bars.csv"]
