"""A small tree, written by hand."""

from pathlib import Path

import pandas as pd
import pytest

from explore.place import Place, own_place
from explore.tree import file_hashes, per_coin_by_duckdb, per_coin_by_pandas, read_bars
from pricestream.errors import StorageError

HEAD = "coin_id,vs_currency,window_start,window_end,low,high,close,tick_count,first_tick_at,last_tick_at"


def line(coin_id: str, minute: str, low: float, high: float, close: float, ticks: int) -> str:
    times = f"2026-01-05T{minute}:00Z,2026-01-05T{minute}:59Z"
    return f"{coin_id},usd,{times},{low},{high},{close},{ticks},2026-01-05T{minute}:00.000Z,2026-01-05T{minute}:50.500Z"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    tree = {
        "interval=1m/date=2026-01-05/hour=09": [
            line("bitcoin", "09:58", 1, 4, 2, 6),
            line("tether", "09:58", 1, 1, 1, 2),
        ],
        "interval=1m/date=2026-01-05/hour=10": [line("bitcoin", "10:01", 0.5, 3, 3, 5)],
        "interval=5m/date=2026-01-05/hour=10": [line("bitcoin", "10:00", 0, 9, 9, 99)],
    }
    for folder, lines in tree.items():
        target = tmp_path / "csv" / folder / "bars.csv"
        target.parent.mkdir(parents=True)
        target.write_text("\n".join([HEAD, *lines]) + "\n")
    return own_place(tmp_path)


def test_pandas_and_duckdb_give_the_same_numbers(place: Place) -> None:
    expected = pd.DataFrame(
        {
            "coin_id": ["bitcoin", "tether"],
            "vs_currency": ["usd", "usd"],
            "bars": [2, 1],
            "ticks": [11, 2],
            "low": [0.5, 1.0],
            "high": [4.0, 1.0],
            "last": [3.0, 1.0],
        }
    )
    pd.testing.assert_frame_equal(per_coin_by_pandas(place, "1m"), expected, check_dtype=False)
    pd.testing.assert_frame_equal(per_coin_by_duckdb(place, "1m"), expected, check_dtype=False)


def test_bars_are_in_the_order_of_their_windows_and_times_are_utc(place: Place) -> None:
    bars = read_bars(place, "1m")
    assert bars["coin_id"].tolist() == ["bitcoin", "bitcoin", "tether"]
    assert bars["last_tick_at"].iloc[0] == pd.Timestamp("2026-01-05T09:58:50.500Z")


def test_a_number_is_read_as_it_is_written(place: Place, tmp_path: Path) -> None:
    # pandas' quick reader makes 30712.35703462849 of it.
    written = "30712.357034628494"
    file = tmp_path / "csv" / "interval=1m" / "date=2026-01-05" / "hour=10" / "bars.csv"
    file.write_text(file.read_text().replace(",3,3,5,", f",3,{written},5,"))
    assert repr(float(read_bars(place, "1m")["close"].iloc[1])) == repr(float(written))


def test_every_file_has_its_hash(place: Place, tmp_path: Path) -> None:
    before = file_hashes(place)
    assert len(before) == 3
    changed = "interval=1m/date=2026-01-05/hour=10/bars.csv"
    (tmp_path / "csv" / changed).write_text(HEAD)
    after = file_hashes(place)
    assert {key for key in before if before[key] != after[key]} == {changed}


def test_an_empty_lake_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"has no bars of 1m yet; run 02_stream"):
        read_bars(own_place(tmp_path), "1m")


def test_a_tree_on_s3_is_read_as_well(place: Place, moto_url: str, tmp_path: Path) -> None:
    import boto3

    s3 = boto3.client("s3", endpoint_url=moto_url, region_name="us-east-1")
    s3.create_bucket(Bucket="notebooks-tree")
    for path in (tmp_path / "csv").rglob("bars.csv"):
        s3.put_object(Bucket="notebooks-tree", Key=f"lake/{path.relative_to(tmp_path)}", Body=path.read_bytes())
    sets = ("job.csv=s3://notebooks-tree/lake/csv", f"job.s3.endpoint_url={moto_url}", "job.s3.path_style=true")
    there = own_place(tmp_path / "elsewhere", sets)
    pd.testing.assert_frame_equal(per_coin_by_duckdb(there, "1m"), per_coin_by_pandas(place, "1m"))
    assert file_hashes(there) == file_hashes(place)
