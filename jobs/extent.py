"""Extent: which windows some bars lie in, and keeping those bars while they are read more than once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from pricestream.tick import HEARTBEAT_ID


@dataclass(frozen=True)
class Extent:
    """The windows of some rows lie in ``[first, end)``, epoch seconds."""

    first: int
    end: int
    #: How many there are; heartbeats are none.
    bars: int


def extent_of(bars: DataFrame) -> Extent | None:
    """Look where the windows of bars lie; None without any.

    Args:
        bars: ``coin_id``, ``window_start``, ``window_end``, whatever else; windows of heartbeats too.
    """
    # As numbers: Python would be given times without a zone, in the zone of the machine.
    first, end = f.min(f.unix_seconds("window_start")), f.max(f.unix_seconds("window_end"))
    count = f.count_if(f.col("coin_id") != HEARTBEAT_ID)
    row = bars.agg(first.alias("first"), end.alias("end"), count.alias("bars")).collect()[0]
    return None if row["first"] is None else Extent(row["first"], row["end"], row["bars"])


@contextmanager
def kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Keep what is computed, in memory or on disk, until the end of a block."""
    frame.persist()
    try:
        yield frame
    finally:
        frame.unpersist()
