"""What the report reads: bounded, in UTC, final bars only."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from jobs.report import read_report, write_report
from jobs.report_model import MAX_COINS, MAX_WINDOWS
from jobs.schema import BARS
from jobs.tables import create_tables
from tests.conftest import MakeSettings

NINE = 1_767_603_600  # 2026-01-05T09:00:00Z

#: The columns that matter to the report, as SQL over a minute's number and a coin; the others are null.
MADE_UP = {
    "coin_id": "coin_id",
    "vs_currency": "'usd'",
    "interval": "'1m'",
    "window_start": f"timestamp_seconds({NINE} + id * 60)",
    "window_end": f"timestamp_seconds({NINE} + id * 60 + 60)",
    "open": "100 + id",
    "high": "101 + id",
    "low": "99 + id",
    "close": "100.5 + id",
    "tick_count": "id + 1",
    # The last minute of one coin is a gap, in which it has become stale.
    "gap": "coin_id = 'coin-00' AND id = 589",
    "stale": "coin_id = 'coin-00' AND id = 589",
    "is_final": "id < 590",
    "date": f"to_date(timestamp_seconds({NINE} + id * 60))",
}

COUNTS = {"rows": 7, "ok": 4, "late": 1, "rejected": 1, "heartbeat": 1}


def test_the_report_of_a_large_market_is_bounded(spark: SparkSession, make_settings: MakeSettings) -> None:
    settings = make_settings("producer.coins=[zed, coin-07]")
    create_tables(spark, settings.job)
    coins = spark.range(30).select(f.format_string("coin-%02d", "id").alias("coin_id"))
    minutes = spark.range(600).crossJoin(coins)
    columns = [f.expr(MADE_UP.get(each.name, "NULL")).cast(each.dataType).alias(each.name) for each in BARS]
    minutes.select(*columns).write.format("delta").mode("append").save(settings.job.bars)

    report = read_report(spark, settings, COUNTS, now_ms=0)
    assert len(report.coins) == MAX_COINS
    # The settings name the first; the rest are in the order of the alphabet.
    assert [each.coin_id for each in report.coins[:3]] == ["coin-07", "coin-00", "coin-01"]
    assert [each.coin_id for each in report.coins if each.is_stale] == ["coin-00"]
    assert len(report.coins[1].bars) == MAX_WINDOWS - 1
    bars = report.coins[0].bars
    assert len(bars) == MAX_WINDOWS
    # 590 are final; the newest of them starts at 09:00 + 589 minutes.
    last = bars[-1]
    assert (last.start_ms, last.open, last.high, last.low, last.close) == (
        (NINE + 589 * 60) * 1000,
        689.0,
        690.0,
        688.0,
        689.5,
    )
    assert bars[0].start_ms == (NINE + 90 * 60) * 1000
    assert report.omissions


def test_a_lake_without_bars_has_a_page_too(spark: SparkSession, make_settings: MakeSettings, lake: Path) -> None:
    settings = make_settings(f"job.report={lake}/report.html")
    create_tables(spark, settings.job)
    write_report(spark, settings, COUNTS)
    assert "No bars yet" in (lake / "report.html").read_text()


def test_no_report_is_written_where_none_is_wanted(
    spark: SparkSession, make_settings: MakeSettings, lake: Path
) -> None:
    write_report(spark, make_settings(), COUNTS)
    assert not lake.exists()
