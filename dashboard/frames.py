"""Frames: from the columns of files to what the model speaks of."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.bars_csv import COLUMNS
from dashboard.model import Bar, CoinRow, Market, Overview, Series, Span, find_gaps, make_row
from pricestream.interval import interval_seconds

#: Without these there is nothing to draw; a gap has none of them.
_NEEDED: Final = ("open", "high", "low", "close")
_FIELDS: Final = (
    *_NEEDED,
    "tick_count",
    "sma",
    "bollinger_lower",
    "bollinger_upper",
    "anomaly",
    "stale",
    "origin",
)


def last_end_ms(tables: Sequence[pa.Table], length_ms: int) -> int | None:
    """Give the end of the newest window of all; None where there is no row."""
    newest = [pc.max(table.column("window_start").cast(pa.int64())).as_py() for table in tables if table.num_rows]
    return max(newest) * 1000 + length_ms if newest else None


def summarize(
    tables: Sequence[pa.Table], newest: Sequence[pa.Table], interval: str, day: Span, stale: frozenset[Market]
) -> Overview:
    """Make the list.

    Args:
        tables: files of ``interval`` that hold the day, in the order of time.
        newest: the newest files of the shortest interval, which have the last prices.
        interval: whose bars the courses are of.
        day: what the list is to show; where the bars begin later, it shows less.
        stale: coins that are, whatever their last bar says.
    """
    found = dict(_runs(_bars(tables, day)))
    last = dict(_runs(_bars(newest, day)))
    starts = [int(run["start"][0]) for run in (*found.values(), *last.values())]
    span = Span(max(day.start_ms, min(starts)), day.end_ms) if starts else day
    rows = (_row(market, found.get(market), last.get(market), interval, span, stale) for market in found | last)
    return Overview(interval, span, tuple(sorted(rows, key=lambda row: row.market)))


def series_of(tables: Sequence[pa.Table], market: Market, interval: str, length_ms: int, span: Span) -> Series:
    """Take one coin's bars of a span out of files."""
    rows = pa.concat_tables([COLUMNS.empty_table(), *(_of(table, market) for table in tables)])
    starts = pc.multiply(rows.column("window_start").cast(pa.int64()), 1000)
    rows = rows.append_column("start", starts).sort_by("start")
    rows = rows.filter(pc.and_(pc.greater_equal(rows["start"], span.start_ms), pc.less(rows["start"], span.end_ms)))
    is_gap = pc.or_(pc.fill_null(rows["gap"], fill_value=False), _lacks_price(rows))
    told = rows.filter(pc.fill_null(rows["gap"], fill_value=False)).column("start").to_pylist()
    bars = tuple(_make_bars(rows.filter(pc.invert(is_gap))))
    return Series(market, interval, length_ms, bars, find_gaps(bars, told, length_ms))


def _make_bars(rows: pa.Table) -> Iterator[Bar]:
    columns = [rows.column(name).to_pylist() for name in ("start", *_FIELDS)]
    for start, *values, anomaly, stale, origin in zip(*columns, strict=True):
        yield Bar._make([start, *values, bool(anomaly), bool(stale), origin or None])


def _of(table: pa.Table, market: Market) -> pa.Table:
    is_its = pc.and_(pc.equal(table["coin_id"], market.coin_id), pc.equal(table["vs_currency"], market.vs_currency))
    return table.filter(is_its)


def _lacks_price(rows: pa.Table) -> pa.ChunkedArray:
    lacks = pc.is_null(rows[_NEEDED[0]])
    for name in _NEEDED[1:]:
        lacks = pc.or_(lacks, pc.is_null(rows[name]))
    return lacks


def _bars(tables: Sequence[pa.Table], span: Span) -> pa.Table:
    """Put files together, without gaps and without what lies outside a span."""
    wanted = ["coin_id", "vs_currency", "window_start", *_NEEDED, "stale", "gap"]
    rows = pa.concat_tables([COLUMNS.empty_table().select(wanted), *(table.select(wanted) for table in tables)])
    seconds = rows["window_start"].cast(pa.int64())
    is_in = pc.and_(pc.greater_equal(seconds, span.start_ms // 1000), pc.less(seconds, span.end_ms // 1000))
    return rows.filter(pc.and_(is_in, pc.invert(_lacks_price(rows)))).unify_dictionaries().combine_chunks()


def _runs(rows: pa.Table) -> Iterator[tuple[Market, dict[str, npt.NDArray[Any]]]]:
    """Give each coin's rows together, in the order of their windows."""
    if not rows.num_rows:
        return
    coin, currency = (rows[name].chunk(0) for name in ("coin_id", "vs_currency"))
    coins, currencies = (array.dictionary.to_pylist() for array in (coin, currency))
    codes = coin.indices.to_numpy().astype(np.int64) * len(currencies) + currency.indices.to_numpy()
    start = rows["window_start"].cast(pa.int64()).to_numpy() * 1000
    order = np.lexsort((start, codes))
    columns = {
        "start": start[order],
        "open": rows["open"].to_numpy()[order],
        "close": rows["close"].to_numpy()[order],
        "stale": pc.fill_null(rows["stale"], fill_value=False).to_numpy()[order],
    }
    codes = codes[order]
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for first, end in pairwise(edges):
        code = int(codes[first])
        market = Market(coins[code // len(currencies)], currencies[code % len(currencies)])
        yield market, {name: values[first:end] for name, values in columns.items()}


def _row(
    market: Market,
    run: dict[str, npt.NDArray[Any]] | None,
    last: dict[str, npt.NDArray[Any]] | None,
    interval: str,
    span: Span,
    stale: frozenset[Market],
) -> CoinRow:
    """Join a coin's course with its last price, which may be newer."""
    run = last if run is None else run
    if run is None:
        raise ValueError(f"{market} has no bar")
    starts, opens, closes = (run[name].tolist() for name in ("start", "open", "close"))
    is_stale = bool(run["stale"][-1])
    length_ms = interval_seconds(interval) * 1000
    # The newest base bar counts where the course has not come as far.
    if last is not None and last["start"][-1] >= starts[-1] + length_ms:
        starts, opens, closes = (
            [*values, last[name][-1].item()] for name, values in (("start", starts), ("open", opens), ("close", closes))
        )
        is_stale = bool(last["stale"][-1])
    return make_row(market, starts, opens, closes, span, interval_ms=length_ms, is_stale=is_stale or market in stale)
