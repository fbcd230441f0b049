"""A range of bars is made anew from ticks, and ends in the files that the stream would have written."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.audit import audit_lake
from jobs.audit_scope import Dates, parse_dates
from jobs.backfill import Order, land_history, rebuild_range
from jobs.checkpoint import open_checkpoint
from jobs.days import Range
from jobs.extent import Extent
from jobs.parse import parse
from jobs.schema import KINESIS
from jobs.sink import BarSink, Place
from jobs.storage import spark_path
from jobs.tables import append_ticks, create_tables, read_bars, read_ticks
from jobs.validate import validate
from jobs.window import base_bars
from pricestream.errors import SettingsError
from pricestream.settings import Settings
from pricestream.tick import Tick
from tests.conftest import MakeSettings
from tests.support.streaming import csv_tree

DAY_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
MINUTE_MS = 60_000
DAYS = Range.parse("2026-01-05", "2026-01-07")


def tick(coin: str, price: float, at_ms: int, seq: int) -> bytes:
    return Tick(coin, "usd", price, at_ms, at_ms, "p", seq, "simulated").to_json()


def landed(spark: SparkSession, settings: Settings, payloads: list[bytes]) -> DataFrame:
    rows = [(each, "s", "k", str(number), datetime.now(UTC)) for number, each in enumerate(payloads)]
    parsed = parse(spark.createDataFrame(rows, KINESIS))
    return validate(parsed, allowed_lateness_seconds=settings.job.allowed_lateness_seconds)


@pytest.fixture
def settings(spark: SparkSession, make_settings: MakeSettings) -> Settings:
    """Two days with a tick before and behind midnight, and one in a minute that is still open."""
    made = make_settings("job.intervals=[]")
    create_tables(spark, made.job)
    midnight = DAY_MS + 24 * 60 * MINUTE_MS
    end = midnight + 10 * MINUTE_MS
    payloads = [
        tick("bitcoin", 100.0, DAY_MS, 1),
        tick("bitcoin", 100.0, DAY_MS, 2),
        tick("bitcoin", 110.0, midnight - MINUTE_MS, 3),
        tick("ethereum", 5.0, midnight - 1, 4),
        tick("bitcoin", 121.0, midnight, 5),
        tick("bitcoin", 7.0, end, 6),
    ]
    append_ticks(landed(spark, made, payloads), made.job)
    runs(made, end)
    return made


def runs(settings: Settings, closed_ms: int) -> None:
    """Let the stream say that it runs, and has closed all windows up to a time."""
    Path(settings.job.status_file).write_text(json.dumps({"state": "running", "bars": {"watermark_ms": closed_ms}}))
    open_checkpoint(settings).mark_closed(closed_ms // 1000)


def bars(spark: SparkSession, settings: Settings) -> dict[tuple[str, str], tuple[float, int, float | None, int]]:
    rows = (
        read_bars(spark, settings.job)
        .filter("is_final AND NOT gap")
        .selectExpr(
            "coin_id", "date_format(window_start, 'dd HH:mm') AS at", "close", "tick_count", "log_return", "revision"
        )
    )
    return {
        (row["coin_id"], row["at"]): (row["close"], row["tick_count"], row["log_return"], row["revision"])
        for row in rows.collect()
    }


EXPECTED = {
    ("bitcoin", "05 00:00"): (100.0, 1, None, 0),
    ("bitcoin", "05 23:59"): (110.0, 1, None, 0),
    ("ethereum", "05 23:59"): (5.0, 1, None, 0),
    # ln(121 / 110): the bar before lies in another day.
    ("bitcoin", "06 00:00"): (121.0, 1, pytest.approx(0.09531017980432493), 0),
}


def test_a_range_is_made_from_ticks_without_the_windows_that_are_open(spark: SparkSession, settings: Settings) -> None:
    assert rebuild_range(spark, settings, DAYS, []) == 5
    assert bars(spark, settings) == EXPECTED
    tree = csv_tree(settings)
    assert len(tree) == 3
    # Once more, and nothing is another.
    assert rebuild_range(spark, settings, DAYS, []) == 5
    assert bars(spark, settings) == EXPECTED
    assert csv_tree(settings) == tree


def test_lost_bars_and_files_come_back_as_they_were(spark: SparkSession, settings: Settings) -> None:
    rebuild_range(spark, settings, DAYS, [])
    tree = csv_tree(settings)
    DeltaTable.forPath(spark, spark_path(settings.job.bars)).delete("coin_id = 'bitcoin'")
    shutil.rmtree(Path(settings.job.csv))
    rebuild_range(spark, settings, DAYS, [])
    assert bars(spark, settings) == EXPECTED
    assert csv_tree(settings) == tree


def test_what_the_stream_closes_meanwhile_is_made_again(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last minute is open when the backfill begins, and the stream closes it before that has written.

    minute      06 00:10
    bitcoin     |# then, while the backfill writes: #|
    ethereum    |# from a file, which the stream passes over|
    """
    end_ms = DAY_MS + (24 * 60 + 10) * MINUTE_MS
    from_file = landed(spark, settings, [tick("ethereum", 3.0, end_ms, 8)]).withColumn("added_by", f.lit("backfill"))
    append_ticks(from_file, settings.job)
    later = landed(spark, settings, [tick("bitcoin", 9.0, end_ms + 1_000, 7)])
    pending = [later]

    def close(more: DataFrame) -> None:
        append_ticks(more, settings.job)
        ticks = read_ticks(spark, settings.job).filter(f"coin_id = 'bitcoin' AND unix_millis(event_time) >= {end_ms}")
        sink = BarSink(settings, end_ms // 1000)
        extent = Extent(end_ms // 1000, end_ms // 1000 + 60, bars=1)
        sink.close(base_bars(ticks, interval="1m", seconds=60), extent, txn=("query", 1))
        runs(settings, end_ms + MINUTE_MS)

    rewrite = BarSink.rewrite

    def rewrite_late(self: BarSink, bars: DataFrame, place: Place) -> int:
        if pending:
            # What the backfill has read is held fast; only then more comes.
            bars = bars.localCheckpoint()
            close(pending.pop())
        return rewrite(self, bars, place)

    monkeypatch.setattr(BarSink, "rewrite", rewrite_late)
    rebuild_range(spark, settings, DAYS, [])
    minute = {key: value for key, value in bars(spark, settings).items() if key[1] == "06 00:10"}
    assert minute == {
        ("bitcoin", "06 00:10"): (9.0, 2, None, 2),
        ("ethereum", "06 00:10"): (3.0, 1, None, 0),
    }
    assert b"ethereum,usd,2026-01-06T00:10:00Z" in csv_tree(settings)["interval=1m/date=2026-01-06/hour=00/bars.csv"]


def test_other_coins_and_other_days_are_left_alone(spark: SparkSession, settings: Settings) -> None:
    assert rebuild_range(spark, settings, Range.parse("2026-01-05", "2026-01-06"), ["ethereum"]) == 1
    assert set(bars(spark, settings)) == {("ethereum", "05 23:59")}


@pytest.mark.parametrize(
    ("first", "end", "says"),
    [
        ("2026-1-x", "2026-02-01", "--from 2026-1-x: is no date; write it as 2026-01-31"),
        ("2026-02-01", "soon", "--to soon: is no date"),
        ("2026-02-01", "2026-02-01", "--to 2026-02-01: must lie after --from 2026-02-01"),
    ],
)
def test_a_range_that_is_none_is_refused(first: str, end: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Range.parse(first, end)
    assert str(caught.value).startswith(says)


def test_a_file_of_trades_becomes_the_bars_that_pandas_makes_of_it(
    spark: SparkSession, make_settings: MakeSettings, real_trades: Path
) -> None:
    settings = make_settings()
    create_tables(spark, settings.job)
    days = Range.parse("2019-10-12", "2019-10-13")
    order = Order(days, source="files", path=str(real_trades), coin_id="ripple", vs_currency="eth")
    land_history(spark, settings, order, [])
    rows = read_ticks(spark, settings.job).count()
    rebuild_range(spark, settings, days, [])

    trades = pd.read_csv(real_trades).sort_values(["timestamp_ms", "trade_id"])
    trades = trades[trades.timestamp_ms.between(days.start_s * 1000, days.end_s * 1000 - 1)]
    assert rows == len(trades)
    for interval, seconds in {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400}.items():
        start = pd.to_datetime(trades.timestamp_ms // (seconds * 1000) * seconds, unit="s", utc=True)
        groups = trades.groupby(start.rename("window_start")).price
        expected = groups.agg(["first", "max", "min", "last", "count", "mean"])
        files = Path(settings.job.csv).glob(f"interval={interval}/**/*.csv")
        found = pd.concat(pd.read_csv(path, parse_dates=["window_start"]) for path in files)
        found = found.set_index("window_start").sort_index()
        exact, mean = ["open", "high", "low", "close", "tick_count"], found.pop("mean")
        pd.testing.assert_frame_equal(found[exact], expected.drop(columns="mean").set_axis(exact, axis=1))
        pd.testing.assert_series_equal(mean, expected["mean"], rtol=1e-12)
    tree = csv_tree(settings)

    # The same file once more adds nothing and changes nothing.
    land_history(spark, settings, order, [])
    assert read_ticks(spark, settings.job).count() == rows
    rebuild_range(spark, settings, days, [])
    assert csv_tree(settings) == tree


def test_fetched_history_fills_what_the_stream_left_empty_and_nothing_else(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    # One point in a minute that has a tick, one in a minute of its own, one outside of the range.
    at = {30_000: 999.0, 5 * MINUTE_MS: 104.0, -MINUTE_MS: 1.0}
    points = [
        {"coin_id": "bitcoin", "vs_currency": "usd", "event_time": DAY_MS + ms, "price": price}
        for ms, price in at.items()
    ]
    file = tmp_path / "chunk.jsonl"
    file.write_text("".join(f"{json.dumps(point)}\n" for point in points))
    land_history(spark, settings, Order(DAYS, source="coingecko"), [str(file)])
    rebuild_range(spark, settings, DAYS, [])
    assert bars(spark, settings) == EXPECTED | {("bitcoin", "05 00:05"): (104.0, 1, None, 0)}
    # An audit makes the same of them, also of one day whose first bar looks back into the day before.
    for dates in (Dates(), parse_dates("2026-01-06", None)):
        assert audit_lake(spark, settings, dates).consistency.holds


def test_late_ticks_are_taken_in_when_told_to(spark: SparkSession, settings: Settings) -> None:
    rebuild_range(spark, settings, DAYS, [])
    late = Tick("bitcoin", "usd", 90.0, DAY_MS + 1_000, DAY_MS + 10 * 3_600_000, "p", 8, "simulated").to_json()
    append_ticks(landed(spark, settings, [late]), settings.job)
    rebuild_range(spark, settings, DAYS, [])
    assert bars(spark, settings) == EXPECTED
    land_history(spark, settings, Order(DAYS, include_late=True), [])
    rebuild_range(spark, settings, DAYS, [])
    # Its revision goes up, and a rebuild that is not told to keeps what was decided.
    taken_in = EXPECTED | {("bitcoin", "05 00:00"): (90.0, 2, None, 1)}
    assert bars(spark, settings) == taken_in
    rebuild_range(spark, settings, DAYS, [])
    assert bars(spark, settings) == taken_in


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"source": "kraken"}, "--source kraken: is none of ticks, coingecko, files"),
        ({"source": "files"}, "--source files needs --path"),
        ({"path": "x.csv"}, "--source files needs --path"),
        ({"dry_run": True}, "--dry-run says what --source coingecko would take"),
    ],
)
def test_an_order_that_does_not_fit_together_is_refused(order: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Order(DAYS, **order)  # type: ignore[arg-type]
    assert str(caught.value).startswith(says)
