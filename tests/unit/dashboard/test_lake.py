import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pandas as pd
import pytest

from dashboard import lake as lake_module
from dashboard.lake import Lake
from dashboard.model import Market
from dashboard.places import open_tree
from dashboard.tree import FileMark
from dashboard.tree_disk import DiskTree
from pricestream.job_settings import S3Settings
from tests.support.csv_tree import HEADER, START, Published, bar, key_of

BITCOIN = Market("bitcoin", "usd")
ETHEREUM = Market("ethereum", "usd")


@dataclass
class CountingTree:
    """A tree that knows what was read of it, and that may lose files after it has listed them."""

    tree: DiskTree
    reads: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)

    def intervals(self) -> list[str]:
        return self.tree.intervals()

    def dates(self, interval: str) -> list[str]:
        return self.tree.dates(interval)

    def files(self, interval: str, since: str) -> list[FileMark]:
        return self.tree.files(interval, since)

    def read(self, key: str) -> bytes | None:
        self.reads[key] += 1
        return None if key in self.lost else self.tree.read(key)


@pytest.fixture
def tree(tmp_path: Path) -> CountingTree:
    return CountingTree(DiskTree(tmp_path / "csv"))


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path / "csv")


def looked(tree: CountingTree) -> Lake:
    lake = Lake(tree)
    lake.look()
    return lake


def frame_of(root: Path, interval: str) -> pd.DataFrame:
    files = sorted(root.glob(f"interval={interval}/*/*/bars.csv"))
    return pd.concat(pd.read_csv(file, parse_dates=["window_start"]) for file in files)


def test_an_empty_lake_is_empty(tree: CountingTree) -> None:
    lake = looked(tree)
    assert lake.intervals == ()
    assert lake.overview().rows == ()
    assert lake.series(BITCOIN, "1m").bars == ()


def test_folders_without_a_file_are_empty_too(tree: CountingTree, tmp_path: Path) -> None:
    (tmp_path / "csv" / "interval=1m" / "date=2026-01-05" / "hour=09").mkdir(parents=True)
    lake = looked(tree)
    assert (lake.intervals, lake.overview().rows) == ((), ())


def test_the_list_says_what_pandas_says(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin", "ethereum"], range(180))
    overview = looked(tree).overview()
    frame = frame_of(published.root, "1m").sort_values("window_start").groupby("coin_id")
    first, last = frame["open"].first(), frame["close"].last()
    assert [row.market for row in overview.rows] == [BITCOIN, ETHEREUM]
    for row in overview.rows:
        coin = row.market.coin_id
        assert row.last == last[coin]
        assert row.change_pct == pytest.approx((last[coin] / first[coin] - 1) * 100)
    assert overview.span == (START * 1000, (START + 180 * 60) * 1000)


def test_the_list_goes_back_a_day_and_no_further(tree: CountingTree, published: Published) -> None:
    published.add(bar("old", START, 60, 7.0), bar("bitcoin", START, 60, 1.0))
    published.add(bar("bitcoin", START + 86_400, 60, 2.0), bar("bitcoin", START + 86_400 + 60, 60, 4.0))
    overview = looked(tree).overview()
    [row] = overview.rows
    assert row.market == BITCOIN
    # Its open of a day ago, less two minutes, is out of sight.
    assert row.change_pct == pytest.approx((4.04 / 2 - 1) * 100)


def test_a_coin_that_is_silent_for_hours_is_still_there(tree: CountingTree, published: Published) -> None:
    published.add(bar("silent", START, 60, 5.0), *(bar("bitcoin", START + at * 3600, 60, 1.0) for at in range(9)))
    rows = {row.market.coin_id: row for row in looked(tree).overview().rows}
    assert rows["silent"].last == pytest.approx(5.05)
    assert rows["silent"].last_start_ms == START * 1000


def test_a_newer_price_of_a_shorter_interval_counts(
    tree: CountingTree, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.fill(["bitcoin"], range(95), lambda _, at: float(at))
    Published(published.root, "1h", 3600).add(bar("bitcoin", START, 3600, 50.0))
    monkeypatch.setattr(lake_module, "LIST_BYTES", 2000)
    overview = looked(tree).overview()
    assert overview.interval == "1h"
    [row] = overview.rows
    newest = frame_of(published.root, "1m").sort_values("window_start").iloc[-1]
    assert (row.last, row.last_start_ms) == (newest["close"], newest["window_start"].timestamp() * 1000)
    assert row.change_pct == pytest.approx((newest["close"] / 50 - 1) * 100)


def test_a_stale_coin_is_told_by_its_bar_or_by_the_job(tree: CountingTree, published: Published) -> None:
    published.add(
        bar("bitcoin", START, 60, 1.0), bar("ethereum", START, 60, 1.0, stale="true"), bar("dai", START, 60, 1.0)
    )
    stale = {row.market.coin_id: row.is_stale for row in looked(tree).overview([Market("dai", "usd")]).rows}
    assert stale == {"bitcoin": False, "ethereum": True, "dai": True}


def test_bars_are_those_of_the_coin_and_the_interval(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin", "ethereum"], range(150), skip=[("bitcoin", 70), ("bitcoin", 71)])
    series = looked(tree).series(BITCOIN, "1m")
    frame = frame_of(published.root, "1m").query("coin_id == 'bitcoin'").sort_values("window_start")
    assert [bar.start_ms for bar in series.bars] == [int(at.timestamp() * 1000) for at in frame["window_start"]]
    for name, column in (("open", "open"), ("close", "close"), ("ticks", "tick_count"), ("upper", "bollinger_upper")):
        said = pd.Series([getattr(bar, name) for bar in series.bars], dtype=float)
        assert said.to_list() == pytest.approx(frame[column].to_list(), nan_ok=True)
    assert series.gaps == tuple((START + at * 60) * 1000 for at in (70, 71))


def test_no_more_windows_are_read_than_are_shown(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin"], range(1200))
    lake = looked(tree)
    series = lake.series(BITCOIN, "1m")
    assert len(series.bars) == lake_module.MAX_WINDOWS
    assert series.bars[-1].start_ms == (START + 1199 * 60) * 1000
    hours = {datetime.fromtimestamp(START + at * 60, UTC).hour for at in range(700, 1200)}
    assert len(tree.reads) == len(hours)


def test_gap_rows_are_marks_and_no_bars(tree: CountingTree, published: Published) -> None:
    nothing = {"open": None, "high": None, "low": None, "close": None, "gap": "true", "tick_count": 0, "origin": None}
    published.add(bar("bitcoin", START, 60, 1.0), bar("bitcoin", START + 60, 60, 1.0, **nothing))
    series = looked(tree).series(BITCOIN, "1m")
    assert [each.start_ms for each in series.bars] == [START * 1000]
    assert series.gaps == ((START + 60) * 1000,)
    [row] = looked(tree).overview().rows
    assert row.last == pytest.approx(1.01)


def test_candles_of_others_have_no_ticks(tree: CountingTree, published: Published) -> None:
    published.add(bar("bitcoin", START, 60, 1.0, tick_count=None, origin="candles"))
    [only] = looked(tree).series(BITCOIN, "1m").bars
    assert (only.ticks, only.origin) == (None, "candles")


def test_only_files_that_changed_are_read_again(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin"], range(180))
    lake = looked(tree)
    before = lake.look()
    lake.series(BITCOIN, "1m")
    lake.overview()
    tree.reads.clear()
    assert lake.look() == before
    lake.series(ETHEREUM, "1m")
    lake.overview()
    assert not tree.reads
    published.add(bar("bitcoin", START + 180 * 60, 60, 3.0))
    assert lake.look() != before
    assert lake.series(BITCOIN, "1m").bars[-1].open == 3.0
    assert lake.overview().rows[0].last == pytest.approx(3.03)
    assert tree.reads == {key_of("1m", 60, START + 180 * 60): 1}


def test_files_that_vanish_between_listing_and_reading_are_not_there(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin"], range(180))
    lake = looked(tree)
    tree.lost = {key_of("1m", 60, START), key_of("1m", 60, START + 7200)}
    assert len(lake.series(BITCOIN, "1m").bars) == 60
    assert len(lake.overview().rows) == 1
    shutil.rmtree(published.root)
    lake.look()
    assert lake.overview().rows == ()
    assert lake.unreadable == 0


def test_a_file_that_is_no_bars_is_counted_and_read_once(tree: CountingTree, published: Published) -> None:
    published.fill(["bitcoin"], range(120))
    broken = key_of("1m", 60, START)
    (published.root / broken).write_bytes(b"\x00\xff not,a\nfile")
    lake = looked(tree)
    for _ in range(3):
        assert len(lake.series(BITCOIN, "1m").bars) == 60
    assert (lake.unreadable, tree.reads[broken]) == (1, 1)
    published.add(bar("bitcoin", START, 60, 1.0))
    lake.look()
    assert len(lake.series(BITCOIN, "1m").bars) > 60
    assert lake.unreadable == 0


def test_coins_of_one_name_in_two_currencies_are_two(tree: CountingTree, published: Published) -> None:
    published.add(bar("bitcoin", START, 60, 1.0), bar("bitcoin", START, 60, 9.0, vs_currency="eur"))
    lake = looked(tree)
    assert {row.market: row.last for row in lake.overview().rows} == pytest.approx(
        {BITCOIN: 1.01, Market("bitcoin", "eur"): 9.09}
    )
    assert lake.series(Market("bitcoin", "eur"), "1m").bars[0].open == 9.0


def test_a_lake_on_s3_says_the_same_as_on_a_disk(tree: CountingTree, published: Published, moto_url: str) -> None:
    published.fill(["bitcoin", "ethereum"], range(150))
    client = boto3.client("s3", endpoint_url=moto_url, region_name="us-east-1")
    client.create_bucket(Bucket="dashboard-lake")
    for file in published.root.rglob("bars.csv"):
        client.upload_file(str(file), "dashboard-lake", f"csv/{file.relative_to(published.root)}")
    s3 = S3Settings(endpoint_url=moto_url, path_style=True)
    far, near = Lake(open_tree("s3a://dashboard-lake/csv/", s3, "us-east-1")), looked(tree)
    before = far.look()
    assert far.look() == before
    assert far.overview() == near.overview()
    assert far.series(BITCOIN, "1m") == near.series(BITCOIN, "1m")
    client.put_object(Bucket="dashboard-lake", Key=f"csv/{key_of('1m', 60, START)}", Body=HEADER.encode())
    assert far.look() != before
    assert len(far.series(BITCOIN, "1m").bars) == 90
