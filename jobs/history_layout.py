"""What a file of history is: ticks or candles, and which of its columns says what.

Found out from the names of its columns, or, where a CSV has no header, from the order that the
archives of the exchanges have. What cannot be told for certain is refused.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from jobs.history_time import parse_time_ms
from pricestream.errors import SourceError

#: The names that a value goes by, the best first; names are compared in lower case with ``_`` between words.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        "timestamp_ms",
        "event_time",
        "open_time",
        "window_start",
        "unix",
        "unix_timestamp",
        "unix_time",
        "timestamp",
        "time",
        "datetime",
        "ts",
        "snapped_at",
        "date",
    ),
    "price": ("price",),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "coin_id": ("coin_id", "coin"),
    "symbol": ("symbol", "pair"),
    "vs_currency": ("vs_currency",),
    "event_seq": ("event_seq", "trade_id", "id"),
    "market_cap": ("market_cap",),
    "volume_24h": ("volume_24h", "total_volume"),
}

PRICES: Final = ("open", "high", "low", "close")
_NEEDED: Final = {"candles": ("time", *PRICES), "ticks": ("time", "price")}
_TAKEN: Final = {
    "candles": (*_NEEDED["candles"], "coin_id", "symbol", "vs_currency"),
    "ticks": (*_NEEDED["ticks"], "coin_id", "symbol", "vs_currency", "event_seq", "market_cap", "volume_24h"),
}
_NEEDS: Final = "needs a time and price (ticks), or a time, open, high, low and close (candles)"
#: What an archive without a header has at least: the time, four prices and a volume.
_LEAST_COLUMNS: Final = 6

_WHOLE: Final = re.compile(r"\s*-?[0-9]+\s*")

Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Layout:
    """How a file is laid out."""

    kind: Literal["ticks", "candles"]
    #: The columns, as the file names them; made up where it has no header.
    names: tuple[str, ...]
    #: Which column holds a value: what it is (a key of :data:`NAMES`) and its place in ``names``.
    places: Mapping[str, int]
    #: The first rows, by what the values are.
    sample: tuple[Row, ...] = field(repr=False)
    #: Only for CSV.
    has_header: bool = True
    delimiter: str = ","


def normal_name(name: str) -> str:
    """Write a column's name the way that :data:`NAMES` does: ``Open Time`` is ``open_time``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_comment(line: str) -> bool:
    """Tell whether a line stands above the header of a CSV and is none: some archives begin with their address."""
    return line.startswith("#") or "://" in line


def csv_layout(path: str, lines: Sequence[str]) -> Layout:
    """Find out how a CSV file is laid out, by its first lines.

    Raises:
        SourceError: it cannot be told; names the file, what it has and what it would need.
    """
    kept = [line for line in lines if line.strip()]
    while kept and is_comment(kept[0]):
        kept.pop(0)
    if not kept:
        raise SourceError(f"{path}: is empty")
    delimiter = max(",;\t|", key=kept[0].count)
    try:
        # A BOM that a spreadsheet left would otherwise become part of the first column's name.
        header, *rows = csv.reader([kept[0].removeprefix("\ufeff"), *kept[1:]], delimiter=delimiter)
    except csv.Error as error:
        raise SourceError(f"{path}: is no CSV: {error}") from None
    if _kind(header) is None and parse_time_ms(header[0]) is not None:
        return _layout_without_header(path, [header, *rows], delimiter)
    return _layout_by_names(path, header, [_by_name(header, row) for row in rows], delimiter)


def places_in_header(line: str, layout: Layout) -> Mapping[str, int] | None:
    """Say where a header of another file has what ``layout`` knows; None if the line is no header."""
    names = next(csv.reader([line], delimiter=layout.delimiter), [])
    if _kind(names) is None:
        return None
    places = _places(names, layout.kind)
    # A number of the row that was found to be none of a trade's.
    return {what: place for what, place in places.items() if what in layout.places or what != "event_seq"}


def json_layout(path: str, lines: Sequence[str]) -> Layout:
    """Find out how a file of JSON lines is laid out, by its first lines.

    Raises:
        SourceError: it cannot be told; names the file, what it has and what it would need.
    """
    rows = []
    for line in lines:
        if not line.strip():
            continue
        try:
            # Numbers stay as they are written.
            row = json.loads(line.removeprefix("\ufeff"), parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append({name: None if value is None else str(value) for name, value in row.items()})
        elif not rows:
            raise SourceError(f"{path}: its first line is no JSON object; write one object a line, and {_NEEDS}")
    if not rows:
        raise SourceError(f"{path}: is empty")
    return named_layout(path, list(dict.fromkeys(name for row in rows for name in row)), rows)


def named_layout(path: str, names: Sequence[str], rows: Sequence[Row]) -> Layout:
    """Find out what a file with named columns is.

    Args:
        path: for errors.
        names: its columns.
        rows: the first rows, by column.

    Raises:
        SourceError: it cannot be told; names the file, what it has and what it would need.
    """
    return _layout_by_names(path, names, rows, ",")


def _layout_by_names(path: str, names: Sequence[str], rows: Sequence[Row], delimiter: str) -> Layout:
    kind = _kind(names)
    if kind is None:
        raise SourceError(f"{path}: has the columns {', '.join(map(short, names))}; it {_NEEDS}")
    places = _places(names, kind)
    sample = tuple({what: row.get(names[place]) for what, place in places.items()} for row in rows)
    _check_times(path, names[places["time"]], sample)
    numbers = [text for row in sample if (text := row.get("event_seq"))]
    if numbers and not any(_WHOLE.fullmatch(text) for text in numbers):
        name = names[places.pop("event_seq")]
        # An "id" that is no number may be anything, such as a coin's; a trade's is what tells two trades apart.
        if normal_name(name) != "id":
            said = f"{path}: the {name} {short(numbers[0])} is no whole number"
            raise SourceError(f"{said}; number the trades, or leave the column out")
    return Layout(kind, tuple(names), places, sample, delimiter=delimiter)


def _kind(names: Sequence[str]) -> Literal["ticks", "candles"] | None:
    if all(_place(names, what) is not None for what in _NEEDED["candles"]):
        return "candles"
    return "ticks" if all(_place(names, what) is not None for what in _NEEDED["ticks"]) else None


def _places(names: Sequence[str], kind: str) -> dict[str, int]:
    return {what: place for what in _TAKEN[kind] if (place := _place(names, what)) is not None}


def _place(names: Sequence[str], what: str) -> int | None:
    normal = [normal_name(name) for name in names]
    return next((normal.index(name) for name in NAMES[what] if name in normal), None)


def _by_name(names: Sequence[str], cells: Sequence[str]) -> Row:
    # From the last to the first: where a name stands twice, the first is meant.
    return {name: cell or None for name, cell in reversed(list(zip(names, cells, strict=False)))}


def _check_times(path: str, name: str, sample: Sequence[Row]) -> None:
    times = [text for row in sample if (text := row["time"])]
    if times and all(parse_time_ms(text) is None for text in times):
        raise SourceError(
            f"{path}: the times in {name}, such as {short(times[0])}, are none since 2009; write ISO times, "
            "or seconds, milliseconds or microseconds since 1970"
        )


def _layout_without_header(path: str, rows: Sequence[Sequence[str]], delimiter: str) -> Layout:
    if not all(_is_candle(row) for row in rows):
        raise SourceError(
            f"{path}: has no header, and its columns are not in the order timestamp, open, high, low, close, volume; "
            f"name them in a first line; it {_NEEDS}"
        )
    places = {what: place for place, what in enumerate(_NEEDED["candles"])}
    sample = tuple({what: row[place] for what, place in places.items()} for row in rows)
    names = tuple(f"column_{number}" for number in range(1, len(rows[0]) + 1))
    return Layout("candles", names, places, sample, has_header=False, delimiter=delimiter)


def _is_candle(row: Sequence[str]) -> bool:
    if len(row) < _LEAST_COLUMNS or parse_time_ms(row[0]) is None:
        return False
    try:
        open_, high, low, close = (float(text) for text in row[1:5])
    except ValueError:
        return False
    return high >= max(open_, close) and 0 < low <= min(open_, close)


def short(text: str) -> str:
    """Cut what a file says down to what fits into a message."""
    return text if len(text) <= 40 else f"{text[:40]}..."
