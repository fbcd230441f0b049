import pytest

from dashboard.bars_csv import COLUMNS, parse_bars
from tests.support.csv_tree import HEADER, START, bar, csv_text


def test_a_file_is_read_as_it_is_written() -> None:
    text = csv_text([bar("bitcoin", START, 60, 100.0, sma=99.5, anomaly="true", tick_count=7)])
    table = parse_bars(text.encode())
    assert table.schema.names == COLUMNS.names
    [row] = table.to_pylist()
    assert row.pop("window_start").timestamp() == START
    assert row == {
        "coin_id": "bitcoin", "vs_currency": "usd", "open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0,
        "sma": 99.5, "bollinger_lower": None, "bollinger_upper": None, "tick_count": 7, "anomaly": True,
        "stale": False, "gap": False, "origin": "ticks",
    }  # fmt: skip


def test_columns_that_an_older_file_lacks_are_empty() -> None:
    old = b"coin_id,vs_currency,window_start,open,high,low,close\nbitcoin,usd,2026-01-05T09:00:00Z,1,2,0.5,1.5\n"
    [row] = parse_bars(old).to_pylist()
    assert (row["close"], row["sma"], row["gap"]) == (1.5, None, None)


def test_a_gap_has_a_coin_and_a_window_alone() -> None:
    gap = bar("bitcoin", START, 60, 1.0, gap="true", open=None, high=None, low=None, close=None, tick_count=0)
    [row] = parse_bars(csv_text([gap]).encode()).to_pylist()
    assert (row["open"], row["gap"], row["tick_count"]) == (None, True, 0)


@pytest.mark.parametrize("text", ["", f"{HEADER}\n"])
def test_a_file_without_rows_has_none(text: str) -> None:
    assert parse_bars(text.encode()).num_rows == 0


@pytest.mark.parametrize(
    "name",
    ["<b>x</b>", "'=1+1", "a,b", 'say "hi"', "two\nlines", "  spaced ", "ÑandÚ", "\u202etxt", "null", "nan", "true"],
)
def test_any_name_is_text(name: str) -> None:
    assert parse_bars(csv_text([bar(name, START, 60, 1.0)]).encode())["coin_id"].to_pylist() == [name]


@pytest.mark.parametrize(
    "data",
    [b"\x00\xff\xfe garbage", b"a,b\n1,2\n", b"<html>", csv_text([bar("x", START, 60, 1.0)]).encode()[:-40],
     b"coin_id,vs_currency,window_start,open\nbitcoin,usd,yesterday,1\n"],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_bars(data)
