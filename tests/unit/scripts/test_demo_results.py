from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from scripts.demo_app.closing import close, coin_table, counts_line, price
from scripts.demo_app.place import Place
from scripts.demo_app.reports import JobReport
from scripts.demo_app.results import CoinResult, read_results

HEADER = "coin_id,vs_currency,window_start,window_end,open,close,tick_count\n"


def write_bars(csv: Path, hour: int, rows: str, *, interval: str = "1m") -> None:
    folder = csv / f"interval={interval}" / "date=2026-01-05" / f"hour={hour:02d}"
    folder.mkdir(parents=True)
    (folder / "bars.csv").write_text(HEADER + rows)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    # Two hours, and the second file sorts its coins on its own.
    write_bars(
        place.csv,
        9,
        "bitcoin,usd,2026-01-05T09:58:00Z,2026-01-05T09:59:00Z,100,110,6\n"
        "bitcoin,usd,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,110,90,5\n"
        "ripple,eth,2026-01-05T09:59:00Z,2026-01-05T10:00:00Z,0.002,0.002,1\n",
    )
    write_bars(place.csv, 10, "bitcoin,usd,2026-01-05T10:00:00Z,2026-01-05T10:01:00Z,90,125,4\n")
    write_bars(place.csv, 0, "bitcoin,usd,2026-01-05T09:00:00Z,2026-01-05T10:00:00Z,1,2,99\n", interval="1h")
    return place


def write_ticks(place: Place, rows: list[tuple[str, str, float, str, int]]) -> None:
    frame = pd.DataFrame(
        [("usd", *row) for row in rows], columns=["vs_currency", "coin_id", "event_time", "price", "status", "tick_id"]
    )
    frame["event_time"] = pd.to_datetime(frame["event_time"], utc=True, format="ISO8601")
    folder = place.ticks / "date=2026-01-05"
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "part-0.parquet")
    (place.ticks / "_delta_log").mkdir()
    (place.ticks / "_delta_log" / "00.json").write_text("{}")


def test_each_coins_bars_are_summed_up(place: Place) -> None:
    assert read_results(place.csv, place.ticks, "1m", is_complete=True) == [
        # 125 against the first open of 100.
        CoinResult("bitcoin", "usd", last=125, change_pct=25, bars=3, ticks=15),
        CoinResult("ripple", "eth", last=0.002, change_pct=0, bars=1, ticks=1),
    ]


def test_ticks_after_the_last_final_bar_are_not_final_yet(place: Place) -> None:
    write_ticks(
        place,
        [
            ("bitcoin", "2026-01-05T10:00:59.999Z", 125.0, "ok", 1),
            ("bitcoin", "2026-01-05T10:01:00Z", 130.0, "ok", 2),
            ("bitcoin", "2026-01-05T10:01:00Z", 130.0, "ok", 2),
            ("bitcoin", "2026-01-05T10:02:00Z", 131.0, "late", 3),
        ],
    )
    bitcoin = read_results(place.csv, place.ticks, "1m", is_complete=False)[0]
    # One of the four is in the bar, one is the same tick again, and one was late.
    assert (bitcoin.open_ticks, bitcoin.last, bitcoin.bars) == (1, 125, 3)


def test_a_coin_without_a_final_bar_shows_its_newest_price(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_ticks(
        place,
        [("cardano", "2026-01-05T10:02:00Z", 0.7, "ok", 2), ("cardano", "2026-01-05T10:01:00Z", 0.6, "ok", 1)],
    )
    assert read_results(place.csv, place.ticks, "1m", is_complete=False) == [
        CoinResult("cardano", "usd", last=0.7, change_pct=None, bars=0, ticks=0, open_ticks=2)
    ]


def test_nothing_at_all_is_no_coins(tmp_path: Path) -> None:
    for is_complete in (True, False):
        assert read_results(tmp_path / "csv", tmp_path / "ticks", "1m", is_complete=is_complete) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (62_563.578, "62,563.58"),
        (999.9994, "999.999"),
        (1.0, "1.00000"),
        (0.00152787, "0.00152787"),
        (0.00001176312, "0.0000117631"),
        (1e-15, "0.00000000000000100000"),
        (1e9, "1,000,000,000.00"),
    ],
)
def test_a_price_has_six_digits_and_no_exponent(value: float, expected: str) -> None:
    assert price(value) == expected


def text_of(results: list[CoinResult]) -> str:
    out = StringIO()
    Console(file=out, width=100).print(coin_table(results, "1m"))
    return out.getvalue()


def test_the_table_has_a_column_for_open_ticks_only_where_there_are_any() -> None:
    assert "not final" not in text_of([CoinResult("bitcoin", "usd", 1, 2, 3, 4)])
    assert "not final" in text_of([CoinResult("bitcoin", "usd", 1, None, 0, 0, open_ticks=5)])


def test_the_counts_are_all_there() -> None:
    counts = {"ok": 21_600, "late": 2, "rejected": 1, "heartbeat": 1_081}
    line = counts_line(JobReport(counts=counts, bars=3_620, csv_files=4), 17.6)
    assert line == (
        "21,600 ticks accepted, 2 late, 1 rejected, 1,081 heartbeats; 3,620 bars in 4 CSV files; 18 s in all"
    )


def closing_of(place: Place, results: list[CoinResult]) -> str:
    out = StringIO()
    job = JobReport(counts=dict.fromkeys(("ok", "late", "rejected", "heartbeat"), 0))
    close(Console(file=out, width=60), place, results, "1m", job, 1)
    return out.getvalue()


def test_the_closing_says_where_everything_is_without_breaking_a_path(place: Place) -> None:
    place.report.touch()
    said = closing_of(place, [CoinResult("bitcoin", "usd", 1, 2, 3, 4)])
    assert f"CSV     {place.csv}\n" in said
    assert f"Report  {place.report}\n" in said
    assert "No bar" not in said


def test_the_closing_names_no_report_that_was_not_written(place: Place) -> None:
    assert "Report" not in closing_of(place, [])


def test_the_closing_explains_why_there_is_no_bar(place: Place) -> None:
    assert "No tick has arrived" in closing_of(place, [])
    assert "No bar is final yet" in closing_of(place, [CoinResult("bitcoin", "usd", 1, None, 0, 0, open_ticks=2)])


def test_the_hints_read_the_tree(place: Place) -> None:
    said = closing_of(place, [])
    pandas_hint = next(line for line in said.splitlines() if line.startswith("pandas")).removeprefix("pandas").strip()
    frame = eval(pandas_hint, {"pd": pd, "pathlib": __import__("pathlib")})
    assert len(frame) == 5
    duckdb = pytest.importorskip("duckdb")
    duckdb_hint = next(line for line in said.splitlines() if line.startswith("DuckDB")).removeprefix("DuckDB").strip()
    assert duckdb.sql(f"select count(*) {duckdb_hint} where interval = '1m'").fetchall() == [(4,)]
