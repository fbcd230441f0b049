"""Extent: which windows some bars lie in, and keeping those bars while they are read more than once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as f


@dataclass(frozen=True)
class Extent:
    """The windows of some rows lie in ``[first, end)``, epoch seconds."""

    first: int
    end: int
    rows: int


def extent_of(bars: DataFrame) -> Extent | None:
    """Look where the windows of bars lie; None without any.

    Args:
        bars: ``window_start``, ``window_end``, whatever else.
    """
    # As numbers: Python would be given times without a zone, in the zone of the machine.
    first, end = f.min(f.unix_seconds("window_start")), f.max(f.unix_seconds("window_end"))
    row = bars.agg(first.alias("first"), end.alias("end"), f.count("*").alias("rows")).collect()[0]
    return Extent(row["first"], row["end"], row["rows"]) if row["rows"] else None


@contextmanager
def kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Keep what is computed, in memory or on disk, until the end of a block."""
    frame.persist()
    try:
        yield frame
    finally:
        frame.unpersist()
