"""What is written of results."""

import pytest

from benchmarks.figure import Figure
from benchmarks.result import Measured, Result
from benchmarks.table import document_of, markdown_of, number

ABOUT = {
    "began": "2026-01-05T09:00:00+00:00",
    "commit": "abc1234",
    "quick": False,
    "machine": {
        "processor": "A processor",
        "cores": 2,
        "memory_gib": 23.4,
        "system": "Linux 6",
        "python": "3.11.2",
        "java": "17.0.9",
        "packages": {"pyspark": "3.5.6"},
    },
}


@pytest.fixture
def result() -> Result:
    return Result(
        "backfill",
        "history to bars",
        size={"ticks": 2_000_000, "coins": 1_000},
        measured=[
            Measured("parquet", "ours", Figure((12.0, 10.0, 11.0)), "s", against=("duckdb", "polars")),
            Measured("parquet", "duckdb", Figure((2.0, 1.0, 4.0)), "s"),
            # Of another setting: never held against parquet's.
            Measured("json", "polars", Figure((0.5,)), "s", note="said once"),
        ],
        checked=["all bars"],
        absent={"polars": "polars cannot be installed: no network"},
        versions={"duckdb": "2.0.1"},
        load={"before": {"one_minute": 0.3}, "after": {"one_minute": 2.1}},
    )


def test_the_table_has_each_figure_and_its_ratio_to_who_was_there(result: Result) -> None:
    lines = markdown_of([result], ABOUT).splitlines()
    assert "| parquet | ours | 11.00 s | 10.00 to 12.00 | 3 | 5.50 x duckdb |" in lines
    assert "| parquet | duckdb | 2.00 s | 1.00 to 4.00 | 3 |  |" in lines
    assert "| json | polars | 0.5 s | 0.5 to 0.5 | 1 |  |" in lines
    assert "history to bars. 2,000,000 ticks, 1,000 coins." in lines


def test_the_table_says_on_what_how_busy_and_who_was_not_there(result: Result) -> None:
    text = markdown_of([result], ABOUT)
    assert "on commit abc1234: A processor, 2 cores" in text
    assert "* Not there: polars: polars cannot be installed: no network" in text
    assert "* Load of the minute before it: 0.3; of its last minute, itself included: 2.1." in text
    assert "* json, polars: said once." in text
    assert "* Compared: all bars." in text


def test_the_document_has_every_run(result: Result) -> None:
    document = document_of([result], ABOUT)
    [entry] = document["benchmarks"]
    first = entry["measured"][0]
    assert first["runs"] == [12.0, 10.0, 11.0]
    assert (first["median"], first["least"], first["most"]) == (11.0, 10.0, 12.0)
    assert first["ratios"] == {"duckdb": 5.5}
    assert document["commit"] == "abc1234"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12_345.6, "12,346"), (12.345, "12.35"), (0.012345, "0.0123"), (-3.2, "-3.20")],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
