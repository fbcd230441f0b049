"""Read one published file, as much of it as the page shows."""

from typing import Final

import pyarrow as pa
from pyarrow import csv

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_PRICES: Final = ("open", "high", "low", "close", "sma", "bollinger_lower", "bollinger_upper")
_FLAGS: Final = ("anomaly", "stale", "gap")

#: The columns that are read, of those that a file has; the others of these are null.
COLUMNS: Final = pa.schema(
    [
        ("coin_id", _TEXT),
        ("vs_currency", _TEXT),
        ("window_start", pa.timestamp("s", "UTC")),
        *((name, pa.float64()) for name in _PRICES),
        ("tick_count", pa.int64()),
        *((name, pa.bool_()) for name in _FLAGS),
        ("origin", _TEXT),
    ]
)


def parse_bars(data: bytes) -> pa.Table:
    """Read the bytes of a file into the columns of :data:`COLUMNS`.

    Raises:
        ValueError: they are no such file.
    """
    if not data:
        return COLUMNS.empty_table()
    options = csv.ConvertOptions(
        include_columns=COLUMNS.names,
        include_missing_columns=True,
        column_types=COLUMNS,
        strings_can_be_null=False,
        null_values=[""],
        true_values=["true"],
        false_values=["false"],
    )
    # A name may have a line's end in it.
    quoting = csv.ParseOptions(newlines_in_values=True)
    table = csv.read_csv(pa.BufferReader(data), parse_options=quoting, convert_options=options)
    # A file without the columns that make a bar is another one.
    if any(table.column(name).null_count for name in ("coin_id", "vs_currency", "window_start")):
        raise ValueError("has rows without a coin, a currency or a window")
    return table.unify_dictionaries().combine_chunks()
