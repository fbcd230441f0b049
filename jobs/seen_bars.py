"""Seen bars: what the rows of a batch look back at, as arrays: rows of their own, or gathered, or of a batch before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jobs.runs import Flags, Floats, Integers, Runs
from jobs.schema import SERIES

#: Series and number in one: no number of a window has more bits than this.
_NUMBER_BITS: Final = 40


@dataclass(frozen=True)
class SeenBars:
    """Bars, no gaps, one array each of what is looked at: series after series, the oldest first."""

    #: Which series of the batch a bar is of; what was carried over is of series 0.
    series: Integers
    #: Its window, counted from the epoch.
    number: Integers
    close: Floats
    #: ln(close / close of the bar before), whatever lies between; NaN where it is the first.
    log_return: Floats
    #: Epoch microseconds; anything where ``has_ticks`` is false.
    first_tick: Integers
    last_tick: Integers
    has_ticks: Flags
    tick_count: Integers

    def between(self, first: Integers, end: Integers) -> tuple[Runs, Runs]:
        """Give the closes of these stretches, and their returns: those from a close to the next that lie within."""
        return Runs(self.close, first, end), Runs(self.log_return, first, end).inner()

    def place(self, series: Integers, number: Integers) -> Integers:
        """Tell how many bars stand up to a window, itself included."""
        return np.searchsorted(_key(self.series, self.number), _key(series, number), side="right").astype(np.int64)

    def tail(self, series: int, number: int) -> "SeenBars":
        """Keep what a series has behind a window, as series 0."""
        is_kept = (self.series == series) & (self.number > number)
        kept = {name: values[is_kept] for name, values in vars(self).items()}
        return SeenBars(**kept | {"series": np.zeros_like(kept["series"])})

    def followed_by(self, other: "SeenBars") -> "SeenBars":
        """Put other bars behind these.

        Raises:
            ValueError: they are not in order.
        """
        theirs = vars(other)
        both = SeenBars(**{name: np.concatenate((values, theirs[name])) for name, values in vars(self).items()})
        if (np.diff(_key(both.series, both.number)) < 0).any():
            raise ValueError("the bars of a series are not in the order of their windows")
        return both


def nothing_seen() -> SeenBars:
    """Begin with none."""
    integers, floats = np.zeros(0, np.int64), np.zeros(0, np.float64)
    return SeenBars(integers, integers, floats, floats, integers, integers, np.zeros(0, np.bool_), integers)


def series_of(batch: pa.RecordBatch, before: tuple[str, ...] | None) -> Integers:
    """Number the series of rows, which lie next to each other: 0 is that of the row before the first."""
    changes = np.zeros(batch.num_rows, np.bool_)
    for name, value in zip(SERIES, before or (None,) * len(SERIES), strict=True):
        column = batch.column(name)
        changes[0] |= column[0].as_py() != value
        changes[1:] |= pc.not_equal(column.slice(1), column.slice(0, batch.num_rows - 1)).to_numpy(zero_copy_only=False)
    return np.cumsum(changes, dtype=np.int64)


def seen_bars(batch: pa.RecordBatch, series: Integers) -> SeenBars:
    """Take out of rows what is looked at, in front of each what is gathered in its ``earlier``.

    Args:
        batch: see :func:`jobs.measure.measuring`.
        series: of each row.
    """
    is_bar = pc.invert(batch.column("gap"))
    bars = batch.filter(is_bar)
    earlier = bars.column("earlier")
    gathered = earlier.flatten()
    lengths = integers(earlier.value_lengths())
    is_own = np.zeros(bars.num_rows + len(gathered), np.bool_)
    is_own[np.cumsum(lengths + 1) - 1] = True

    def together(name: str, read: Callable[[pa.Array], NDArray[Any]]) -> NDArray[Any]:
        own, theirs = read(bars.column(name)), read(pc.struct_field(gathered, name))
        values = np.empty(is_own.size, own.dtype)
        values[is_own], values[~is_own] = own, theirs
        return values

    return SeenBars(
        series=np.repeat(series[flags(is_bar)], lengths + 1),
        number=together("number", integers),
        close=together("close", floats),
        log_return=together("log_return", floats),
        first_tick=together("first_tick_at", integers),
        last_tick=together("last_tick_at", integers),
        has_ticks=together("first_tick_at", lambda times: times.is_valid().to_numpy(zero_copy_only=False)),
        tick_count=together("tick_count", integers),
    )


def integers(values: pa.Array) -> Integers:
    """Give whole numbers, and times as epoch microseconds; 0 for null."""
    found: Integers = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return found


def floats(values: pa.Array) -> Floats:
    """Give floating-point numbers; NaN for null."""
    found: Floats = values.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return found


def flags(values: pa.Array) -> Flags:
    """Give booleans; false for null."""
    found: Flags = values.fill_null(False).to_numpy(zero_copy_only=False)
    return found


def _key(series: Integers, number: Integers) -> Integers:
    return (series << _NUMBER_BITS) + number
