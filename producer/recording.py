"""Recorded trades or prices in a CSV file, read row by row."""

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from pricestream.errors import SourceError
from pricestream.tick import EARLIEST_MS, LATEST_MS, is_valid_id

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_COLUMNS: Final = ("timestamp", "time", "datetime", "date", "window_start")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_INT64: Final = range(-(2**63), 2**63)


class Event(NamedTuple):
    """One row: a price at a moment (epoch ms)."""

    coin_id: str
    vs_currency: str
    price: float
    event_time: int
    event_seq: int | None


class _Columns(NamedTuple):
    """Where a row's values are; None for a column that the file does not have."""

    time: int
    parse_time: Callable[[str], int]
    price: int
    coin_id: int | None
    vs_currency: int | None
    trade_id: int | None


def read_recording(path: Path, *, coin_id: str, vs_currency: str) -> Iterator[Event]:
    """Yield the rows of a CSV file, gzip or not, in the file's order.

    ``coin_id`` and ``vs_currency`` stand in where the file has no such column. Columns that are not
    known are passed over.

    Raises:
        SourceError: the file cannot be read, or a row makes no sense; names the file and the line.
    """
    with _reading(path) as text:
        reader = csv.reader(text, strict=True)
        try:
            columns = _find_columns(path, next(reader, []))
            for row in reader:
                if row:
                    yield _parse_row(row, columns, coin_id, vs_currency)
        except (ValueError, csv.Error) as error:
            raise SourceError(f"{path}, line {reader.line_num}: {error}") from None


@contextmanager
def _reading(path: Path) -> Iterator[io.TextIOWrapper]:
    try:
        with path.open("rb") as raw:
            magic = raw.read(2)
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if magic == _GZIP_MAGIC else raw
            # A BOM that a spreadsheet left would otherwise become part of the first column's name.
            yield io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError(f"{path}: the gzip file is cut short or damaged") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}; set producer.replay.path") from None


def _find_columns(path: Path, header: list[str]) -> _Columns:
    names = {name.strip().lower(): index for index, name in enumerate(header)}
    if "price" not in names:
        raise SourceError(f"{path}: has no column price (it has: {', '.join(names) or 'nothing'})")
    if "timestamp_ms" in names:
        time, parse_time = names["timestamp_ms"], _parse_ms
    else:
        found = [name for name in _TIME_COLUMNS if name in names]
        if not found:
            raise SourceError(f"{path}: has no column timestamp_ms, nor an ISO time in {', '.join(_TIME_COLUMNS)}")
        time, parse_time = names[found[0]], _parse_iso
    return _Columns(
        time, parse_time, names["price"], names.get("coin_id"), names.get("vs_currency"), names.get("trade_id")
    )


def _parse_row(row: list[str], columns: _Columns, coin_id: str, vs_currency: str) -> Event:
    try:
        event = Event(
            coin_id if columns.coin_id is None else _parse_id(row[columns.coin_id]),
            vs_currency if columns.vs_currency is None else _parse_id(row[columns.vs_currency]),
            _parse_price(row[columns.price]),
            columns.parse_time(row[columns.time]),
            None if columns.trade_id is None else _parse_trade_id(row[columns.trade_id]),
        )
    except IndexError:
        raise ValueError(f"has {len(row)} columns, fewer than the header") from None
    if not EARLIEST_MS <= event.event_time < LATEST_MS:
        raise ValueError(f"{row[columns.time]} is no time at which there were prices")
    return event


def _parse_id(text: str) -> str:
    if not is_valid_id(text):
        raise ValueError(f"{text!r} is not an id such as bitcoin or usd")
    return text


def _parse_price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        raise ValueError(f"the price {text!r} is not a number") from None
    if not (math.isfinite(price) and price > 0):
        raise ValueError(f"the price {text} is not above 0")
    return price


def _parse_ms(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"the time {text!r} is not in whole milliseconds") from None


def _parse_iso(text: str) -> int:
    try:
        # Python would read a bare number as a date without dashes.
        if text.isdigit():
            raise ValueError
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO time; name a column of epoch milliseconds timestamp_ms") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _parse_trade_id(text: str) -> int | None:
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"the trade_id {text!r} is not a whole number") from None
    if number not in _INT64:
        raise ValueError(f"the trade_id {text} is too large")
    return number
