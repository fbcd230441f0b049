"""Sink: bars go into the table and into the CSV tree, the same way from a stream and from a rebuild."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as f

from jobs.conflict import retry_on_conflict
from jobs.publish import Partition, hour_of, publish
from jobs.revise import CHANGED, NEW, SAME, revise
from jobs.tables import read_bars, upsert_bars
from pricestream.interval import interval_seconds
from pricestream.settings import Settings


@dataclass
class BarSink:
    """Writes bars of one interval: into ``bars``, then into the files that hold them.

    The stream and the repair of stragglers share one sink, and take turns.
    """

    settings: Settings
    interval: str
    #: How many bars this run wrote, and which files it replaced.
    bars_written: int = 0
    files: set[str] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def write(self, bars: DataFrame, *, txn: tuple[str, int] | None = None) -> int:
        """Upsert bars, each key once, and publish what they touch. Returns how many files were replaced.

        Every step can be repeated: after a crash in between, the same call ends in the same tables
        and the same files.

        Args:
            bars: columns of :data:`jobs.schema.BARS`, all of :attr:`interval`.
            txn: (application id, version) of the micro-batch, so that a replay of it is recognised.
        """
        with self._turn:
            bars = bars.persist()
            try:
                return self._write(bars, txn)
            finally:
                bars.unpersist()

    @retry_on_conflict
    def _write(self, bars: DataFrame, txn: tuple[str, int] | None) -> int:
        ends = ends_of(bars)
        if ends is None:
            return 0
        spark, job = bars.sparkSession, self.settings.job
        # One window further on both sides: the bar before gives a return, the bar behind takes one.
        length = interval_seconds(self.interval)
        first, last = ends[0] - length, ends[1] + length
        revised = revise(bars, read_bars(spark, job).filter(_span(self.interval, first, last))).persist()
        try:
            # All files that these bars go into, not only changed ones: a crash may have come between table and files.
            files = self._files(revised)
            if any(each["new"] or each["changed"] for each in files):
                upsert_bars(
                    revised.filter(f.col("change") != SAME).drop("change"),
                    job,
                    span=_span(self.interval, first, last, table="stored"),
                    has_updates=any(each["changed"] for each in files),
                    txn=txn,
                )
        finally:
            revised.unpersist()
        partitions = [Partition(self.interval, each["date"].isoformat(), each["hour"]) for each in files]
        replaced = publish(spark, self.settings, partitions)
        self.bars_written += ends[2]
        self.files |= {each.key for each in partitions}
        return replaced

    def _files(self, revised: DataFrame) -> list[Row]:
        """Count what is new and what is changed in each file."""
        counts = [f.count_if(f.col("change") == change).alias(change) for change in (NEW, CHANGED)]
        return revised.groupBy("date", hour_of(self.interval).alias("hour")).agg(*counts).collect()


def ends_of(bars: DataFrame) -> tuple[int, int, int] | None:
    """Give the first and the last ``window_start``, epoch seconds, and the number of rows; None without any."""
    # As numbers: Python would be given times without a zone, in the zone of the machine.
    start = f.unix_seconds("window_start")
    row = bars.agg(f.min(start).alias("first"), f.max(start).alias("last"), f.count("*").alias("rows")).collect()[0]
    return (row["first"], row["last"], row["rows"]) if row["rows"] else None


def _span(interval: str, first: int, last: int, *, table: str | None = None) -> str:
    """Say in SQL which bars of an interval start from ``first`` to ``last``; ``date`` prunes partitions."""
    prefix = f"{table}." if table else ""
    return (
        f"{prefix}interval = '{interval}'"
        f" AND {prefix}date BETWEEN DATE'{utc_date(first)}' AND DATE'{utc_date(last)}'"
        f" AND {prefix}window_start BETWEEN timestamp_seconds({first}) AND timestamp_seconds({last})"
    )


def utc_date(seconds: int) -> str:
    """Give the UTC date of a time in epoch seconds, ISO."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
