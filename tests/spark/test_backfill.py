"""A range of bars is made anew from ticks, and ends in the files that the stream would have written."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.backfill import Range, rebuild_range
from jobs.parse import parse
from jobs.schema import KINESIS
from jobs.storage import spark_path
from jobs.tables import append_ticks, create_tables, read_bars
from jobs.validate import validate
from pricestream.errors import SettingsError
from pricestream.settings import Settings
from pricestream.tick import Tick
from tests.conftest import MakeSettings
from tests.support.streaming import closing, csv_tree

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
    made = make_settings()
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
        closing(made, end),
    ]
    append_ticks(landed(spark, made, payloads), made.job)
    return made


def bars(spark: SparkSession, settings: Settings) -> dict[tuple[str, str], tuple[float, int, float | None, int]]:
    rows = read_bars(spark, settings.job).selectExpr(
        "coin_id", "date_format(window_start, 'dd HH:mm') AS at", "close", "tick_count", "log_return", "revision"
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
    assert rebuild_range(spark, settings, DAYS, []) == 4
    assert bars(spark, settings) == EXPECTED
    tree = csv_tree(settings)
    assert len(tree) == 3
    # Once more, and nothing is another.
    assert rebuild_range(spark, settings, DAYS, []) == 4
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


def test_other_coins_and_other_days_are_left_alone(spark: SparkSession, settings: Settings) -> None:
    assert rebuild_range(spark, settings, Range.parse("2026-01-05", "2026-01-06"), ["ethereum"]) == 1
    assert set(bars(spark, settings)) == {("ethereum", "05 23:59")}


@pytest.mark.parametrize(
    ("first", "end", "says"),
    [
        ("2026-1-x", "2026-02-01", "--from 2026-1-x: is no date; write it such as 2026-01-31"),
        ("2026-02-01", "soon", "--to soon: is no date"),
        ("2026-02-01", "2026-02-01", "--to 2026-02-01: must lie after --from 2026-02-01"),
    ],
)
def test_a_range_that_is_none_is_refused(first: str, end: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Range.parse(first, end)
    assert str(caught.value).startswith(says)
