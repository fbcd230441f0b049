"""Rows in batches: wherever they are cut, the same comes out.

rows     | a a a a - a | b b | c - - c c |
batches  |      |      |   |   | ...
"""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.measure import MEASURED, measuring
from jobs.schema import BARS
from pricestream.indicator_settings import IndicatorSettings

SMALL = IndicatorSettings(bars=2, rsi_bars=2, anomaly_bars=3, lookback_bars=5, stale_spacings=2)
TIME = pa.timestamp("us", "UTC")
TYPES = {
    "string": pa.string(),
    "timestamp": TIME,
    "double": pa.float64(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "date": pa.date32(),
}
SEEN = [("number", pa.int64()), ("close", pa.float64()), ("first_tick_at", TIME), ("last_tick_at", TIME)]
EARLIER = pa.list_(pa.struct([*SEEN, ("tick_count", pa.int64()), ("log_return", pa.float64())]))
SCHEMA = pa.schema(
    [
        *((each.name, TYPES[each.dataType.simpleString()]) for each in BARS),
        ("is_ours", pa.bool_()),
        ("earlier", EARLIER),
        ("number", pa.int64()),
        ("is_made", pa.bool_()),
    ]
)
MINUTE = 60_000_000

Row = dict[str, Any]


def row(coin: str, number: int, close: float | None, log_return: float | None = None, **changes: Any) -> Row:
    """A final bar of one tick in the middle of its minute, or a gap where there is no close."""
    middle = None if close is None else number * MINUTE + MINUTE // 2
    return {
        **dict.fromkeys(SCHEMA.names),
        "coin_id": coin,
        "vs_currency": "usd",
        "interval": "1m",
        "number": number,
        "close": close,
        "log_return": log_return,
        "gap": close is None,
        "is_final": True,
        "is_ours": True,
        "is_made": True,
        "first_tick_at": middle,
        "last_tick_at": middle,
        "tick_count": 0 if close is None else 1,
        "window_start": number * MINUTE,
        "window_end": (number + 1) * MINUTE,
        **changes,
    }


def series(coin: str, numbers: Sequence[int], *, seed: int, gaps: Sequence[int] = ()) -> list[Row]:
    source = random.Random(seed)
    bars = [row(coin, number, source.uniform(90, 110), source.gauss(0, 0.01)) for number in numbers]
    return sorted([*bars, *(row(coin, number, None) for number in gaps)], key=lambda each: int(each["number"]))


ROWS = [
    *series("a", [1, 2, 3, 4, 6, 7, 8, 9, 10, 20], seed=1, gaps=[5, 11, 12]),
    *series("b", [3, 4], seed=2),
    *series("c", [1, 4, 5, 6, 7, 8, 9, 10, 11], seed=3, gaps=[2, 3]),
]


def measured(rows: Sequence[Row], cuts: Sequence[int] = ()) -> list[Row]:
    edges = [0, *sorted(cuts), len(rows)]
    pieces = [rows[first:end] for first, end in itertools.pairwise(edges)]
    batches = [pa.RecordBatch.from_pylist(list(piece), SCHEMA) for piece in pieces]
    out = list(measuring(SMALL)(batches))
    assert all(batch.schema.names == MEASURED.names for batch in out)
    return [each for batch in out for each in batch.to_pylist()]


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, len(ROWS)), max_size=8))
def test_it_does_not_matter_where_batches_are_cut(cuts: list[int]) -> None:
    assert measured(ROWS, cuts) == measured(ROWS)


def test_what_is_gathered_counts_as_if_it_were_rows() -> None:
    """Minutes 1 to 6 of `a` are only looked back at: as rows, and then as one, with what it looks at gathered."""
    behind, made = ROWS[:6], ROWS[6:]
    as_rows = measured([*(each | {"is_made": False} for each in behind), *made])
    *earlier, last = (each for each in behind if not each["gap"])
    gathered = last | {"is_made": False, "earlier": [{name: each[name] for name in _seen()} for each in earlier]}
    assert measured([gathered, *made]) == as_rows
    assert as_rows == measured(ROWS)[6:]


def _seen() -> list[str]:
    return [EARLIER.value_type.field(number).name for number in range(EARLIER.value_type.num_fields)]


def test_a_worked_example() -> None:
    """Closes of 100, 110 and 121, a gap in between; the mean of the last two, and the tick of half a minute ago."""
    rows = measured([row("a", 1, 100.0), row("a", 2, 110.0, 0.1), row("a", 3, None), row("a", 4, 121.0, 0.1)])
    assert [each["sma"] for each in rows] == [None, 105.0, None, 115.5]
    assert [each["log_return"] for each in rows] == [None, 0.1, None, None]
    assert [each["stale"] for each in rows] == [None, False, False, False]


def test_nothing_in_gives_nothing_out() -> None:
    assert measured([]) == []
    assert measured([each | {"is_made": False} for each in ROWS]) == []


def test_rows_that_are_not_in_order_are_refused() -> None:
    with pytest.raises(ValueError, match="not in the order of their windows"):
        measured([row("a", 2, 1.0), row("a", 1, 1.0)])
    with pytest.raises(ValueError, match="not in the order of their windows"):
        measured([row("a", 2, 1.0), row("a", 1, 1.0)], cuts=[1])
