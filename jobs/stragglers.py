"""Stragglers: accepted ticks that Spark's watermark dropped, and the bars they belong in.

The watermark is one for all: a shard read far behind another, or a producer that sends what it
had spooled, brings ticks for windows that are closed already. They are in ``ticks``, so the bars
they touch are rebuilt from there.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.checkpoint import BARS, Checkpoint
from jobs.progress import Progress, rows_dropped, was_executed, watermark_ms
from jobs.rebuild import rebuild
from jobs.schema import OK
from jobs.sink import BarSink
from jobs.tables import read_ticks, ticks_added_since
from jobs.window import of_interest, window_start
from pricestream.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class StragglerRepair:
    """Looks at each micro-batch of the bars query once it is committed, and repairs what it missed.

    How far it has looked is remembered in the checkpoint, so that a crash between a batch and its
    repair is made up for at the next start: batches whose progress nobody saw are looked at in full.
    """

    spark: SparkSession
    settings: Settings
    checkpoint: Checkpoint
    sink: BarSink

    def __post_init__(self) -> None:
        """Take up where the last run left off."""
        self._checked = self.checkpoint.checked_through()

    @property
    def checked_through(self) -> int:
        """The last micro-batch that was looked at."""
        return self._checked

    def look_at(self, reports: Iterable[Progress]) -> int:
        """Repair what these micro-batches dropped, all in one go. Returns how many bars were rebuilt."""
        suspects: list[int] = []
        checked, watermark = self._checked, None
        for report in reports:
            number = int(report["batchId"])
            if number - 1 > checked:
                # Nobody saw the reports of these: the job was down, or busy with a long repair.
                suspects += [checked + 1, number - 1]
                checked = number - 1
            watermark = watermark_ms(report) or watermark
            if number > checked and was_executed(report):
                suspects += [number] if rows_dropped(report) else []
                checked = number
        rebuilt = self._repair(suspects[0], suspects[-1], watermark) if suspects else 0
        if checked > self._checked:
            self._checked = checked
            self.checkpoint.mark_checked(checked)
        return rebuilt

    def _repair(self, first: int, last: int, watermark: int | None) -> int:
        """Rebuild the closed windows that the input of batches ``first`` to ``last`` touched.

        Where Spark has purged the entry of a batch from its log, more is looked at and not less: all
        of ``ticks``, and all that is closed by now.
        """
        end = self.checkpoint.micro_batch(BARS, last)
        closed_ms = end.watermark_ms if end else watermark
        if not closed_ms:
            # Before there is a watermark nothing is dropped.
            return 0
        start = self.checkpoint.micro_batch(BARS, first - 1)
        ticks = self._ticks() if start is None or start.is_snapshot else self._ticks_since(start.version)
        count = rebuild(self._touched(ticks, closed_ms), self.settings, self.sink, closed_s=closed_ms // 1000)
        if count:
            log.warning("%d bars had ticks that came after their window had closed; they are rebuilt from ticks", count)
        return count

    def _touched(self, ticks: DataFrame, watermark_ms: int) -> DataFrame:
        seconds = self.settings.job.interval_seconds
        is_accepted = f.col("status") == OK
        start = window_start("event_time", seconds)
        closed_before = f.timestamp_millis(f.lit(watermark_ms)) - f.expr(f"INTERVAL {seconds} SECONDS")
        windows = of_interest(ticks).filter(is_accepted).select("coin_id", "vs_currency", start.alias("window_start"))
        return windows.filter(f.col("window_start") <= closed_before).distinct()

    def _ticks(self) -> DataFrame:
        return read_ticks(self.spark, self.settings.job)

    def _ticks_since(self, version: int) -> DataFrame:
        return ticks_added_since(self.spark, self.settings.job, version - 1)
