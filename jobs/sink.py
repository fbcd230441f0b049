"""Sink: bars, and all that follows from them, go into the table and into the CSV tree, in a stream or a rebuild."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from jobs.conflict import retry_on_conflict
from jobs.derive import derive, derive_longer, derive_new
from jobs.extent import Extent, kept
from jobs.frame_columns import span_condition
from jobs.last_commit import LastCommit
from jobs.made_once import made_once
from jobs.publish import Partition, hour_of, publish
from jobs.reach import Frame, Reach, Span, base_alone, longer_alone, made_spans, read_spans
from jobs.remake import as_ticks_have_them
from jobs.revise import CHANGED, GONE, NEW, SAME
from jobs.right_of_way import RightOfWay
from jobs.schema import BAR_KEY
from jobs.storage import open_store
from jobs.tables import look_ahead, read_bars, upsert_bars, was_outrun
from pricestream.interval import interval_seconds
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class BarSink:
    """Writes bars, of all intervals, into ``bars``, then into the files that hold them.

    The stream and the repair of stragglers share one sink, and take turns.
    """

    settings: Settings
    #: Windows that end here or before are closed, epoch seconds.
    closed_s: int
    #: Rows are final up to here, by whoever made them so while the stream stood still; they stay so, epoch seconds.
    final_s: int = 0
    #: Tells the two anew, where others move them on meanwhile.
    look: Callable[[], tuple[int, int]] | None = None
    #: How many bars this run was given, which files it looked after, and how many times it replaced one.
    bars_written: int = 0
    files: set[str] = field(default_factory=set)
    files_replaced: int = 0
    #: When a file was last replaced, by this run or one before it, epoch ms; None where that is not known.
    published_ms: int | None = None
    #: The coins, each with its currency, that this run has seen go stale and that had no fresh bar since.
    stale: frozenset[str] = frozenset()
    #: Goes first with the base bars of a window that has just closed.
    way: RightOfWay = field(default_factory=RightOfWay, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Take into account what a stream beside this may be in the midst of."""
        job = self.settings.job
        self._last_commit = LastCommit(open_store(job.bars, job.s3, self.settings.stream.region), job.bars)
        if self.look:
            self.closed_s = self._closed(self.closed_s, self.final_s)
        self.way.passed(self.closed_s)

    def _closed(self, closed_s: int, final_s: int) -> int:
        # The stream has made the base bars of its last window final, and is making what is longer: only then does it
        # say that it has closed the window. What it has not seen by now it will not look at again.
        return final_s if closed_s < final_s <= closed_s + self.settings.job.interval_seconds else closed_s

    def close(self, bars: DataFrame, extent: Extent, *, txn: tuple[str, int]) -> int:
        """Write what a micro-batch of the stream has closed. Returns how many files were replaced.

        Where a bar is stored that says something else, a backfill knew of ticks that the stream passes over:
        that window is made anew from ``ticks``. Every step can be repeated: after a crash in between, the same
        call ends in the same tables and the same files.

        Args:
            bars: base bars, columns of :data:`jobs.schema.BARS`, each key once; there may be none. They are read more
                than once, so whoever calls keeps them.
            extent: where they lie, and the heartbeats' windows with them. All that end in it have closed.
            txn: (application id, version) of the micro-batch, so that a replay of it is recognised.
        """
        with self._turn:
            first = min(extent.first, self.closed_s or extent.end)
            closed = max(extent.end, self.closed_s)
            reach = Reach(first, extent.end, max(closed, self.final_s), gaps_to=closed, is_in_steps=True)
            frames = self._frames(reach)
            work = _Work(bars.sparkSession, bars, frames, reach, coins=(), is_of_ticks=False)
            if extent.end - first > self.settings.job.interval_seconds:
                replaced = self._write(work, txn)
            else:
                # It keeps up: whoever waits for a bar need not wait for what only fills as well.
                with self.way.held(closed):
                    replaced = self._write(replace(work, frames=base_alone(frames)), txn)
                if longer := longer_alone(frames):
                    replaced += self._write(replace(work, bars=None, frames=longer), (f"{txn[0]}-longer", txn[1]))
            self.closed_s = closed
            self.way.passed(closed)
            self.bars_written += extent.bars
            return replaced

    def look_ahead(self, spark: SparkSession) -> None:
        """Let Delta get ready for the next window, once nobody waits for this one."""
        base = Span(self.settings.job.base_interval, self.closed_s, self.closed_s + self.settings.job.interval_seconds)
        try:
            look_ahead(spark, self.settings.job.bars, span_condition((base,)))
        except Exception as error:  # noqa: BLE001 - all is written; what goes wrong here the next window tells
            log.warning("the table's state is not looked at ahead: %s", error)

    def rewrite(self, bars: DataFrame, place: "Place") -> int:
        """Write bars that are as ``ticks``, or a file of candles, has them. Returns how many files were replaced.

        Args:
            bars: columns of :data:`jobs.schema.BARS`, each key once; base bars, or candles of any interval.
            place: where they lie; there may be none.
        """
        with self._turn, kept(bars):
            closed = max(self.closed_s, place.closed_s)
            reach = Reach(place.first, place.end, max(closed, self.final_s), place.is_followed, gaps_to=closed)
            work = _Work(bars.sparkSession, bars, self._frames(reach), reach, place.coins, is_of_ticks=True)
            replaced = self._write(work, None)
            self.bars_written += bars.count()
            return replaced

    def follow(self, place: "Place") -> "Place | None":
        """Look again up to when windows are closed. Gives the part of a place that has closed since, if any has.

        The stream beside this has closed them without what was being written here.
        """
        longest, base = max(map(interval_seconds, self.settings.job.all_intervals)), self.settings.job.interval_seconds
        before = max(self.closed_s, self.final_s)
        if self.look is None or before >= -(-place.end // longest) * longest:
            return None
        closed, final = self.look()
        self.closed_s, self.final_s = max(self.closed_s, self._closed(closed, final)), max(self.final_s, final)
        since, until = (each // base * base for each in (before, max(self.closed_s, self.final_s)))
        if since == until or until <= place.first:
            return None
        # Where only a longer window has closed, the last one that lies in it will do.
        first = max(place.first, min(since, place.end - base))
        return replace(place, first=first, end=min(place.end, until), is_followed=False)

    def _frames(self, reach: Reach) -> Sequence[Frame]:
        job = self.settings.job
        return reach.frames(job.all_intervals, lookback=job.indicators.lookback_bars)

    def _write(self, work: "_Work", txn: tuple[str, int] | None) -> int:
        settle = retry_on_conflict(self._settle)
        files = settle(work, txn)
        while files is None:
            # Another writer was in between: what was read for this is no longer what is there. The transaction is
            # done, and under its number nothing more would be written.
            files = settle(work, None)
        for each in files if txn else ():
            self.stale = (self.stale - set(each["fresh"])) | set(each["silent"])
        partitions = [Partition(each["interval"], each["date"].isoformat(), each["hour"]) for each in files]
        self.files |= {each.key for each in partitions}
        replaced = publish(work.spark, self.settings, partitions)
        if replaced:
            self.files_replaced += replaced
            self.published_ms = time.time_ns() // 1_000_000
        return replaced

    def _settle(self, work: "_Work", txn: tuple[str, int] | None) -> list[Row] | None:
        """Bring the table up to date. Gives the files to look after; None where another writer outran it."""
        spark, job = work.spark, self.settings.job
        version = self._last_commit.look(spark)
        stored = read_bars(spark, job, version=version).filter(span_condition(read_spans(work.frames)))
        if work.coins:
            stored = stored.filter(f.col("coin_id").isin(list(work.coins)))
        with kept(_derived(work, stored, job)) as derived:
            files = _files(derived, job.base_interval, work.reach.told_to)
            if work.bars is not None and not work.is_of_ticks and any(each["disputed"] for each in files):
                bars = as_ticks_have_them(work.bars, derived.filter("is_disputed").select(*BAR_KEY), self.settings)
                return self._settle(replace(work, bars=bars, is_of_ticks=True), txn)
            if changes := {change for change in (NEW, CHANGED, GONE) if any(each[change] for each in files)}:
                upsert_bars(
                    derived.filter(f.col("change") != SAME).drop("is_disputed"),
                    job,
                    span=span_condition(made_spans(work.frames), table="stored"),
                    changes=changes,
                    txn=txn,
                )
                if was_outrun(spark, job.bars, version, txn):
                    return None
        # All files that final rows go into, not only changed ones: a crash may have come between table and files.
        return [each for each in files if each["final"]]


@dataclass(frozen=True)
class Place:
    """Where bars lie that are rewritten: in windows of ``[first, end)``, epoch seconds."""

    first: int
    end: int
    #: Of these coins; empty is all.
    coins: Sequence[str] = ()
    #: The same coins' bars right behind these are rewritten next.
    is_followed: bool = False
    #: Windows that end here or before are closed, also where the sink does not know yet.
    closed_s: int = 0


@dataclass(frozen=True)
class _Work:
    """What is to be written."""

    spark: SparkSession
    #: None where base bars are stored, and only what is longer is made.
    bars: DataFrame | None
    #: Which windows are made; of all intervals, or of some.
    frames: Sequence[Frame]
    reach: Reach
    #: Only what these coins have follows from it; empty is all coins, also those that have no bar here.
    coins: Sequence[str]
    #: The bars are as ``ticks`` has them, and so right where they differ from the stored ones.
    is_of_ticks: bool


def _derived(work: _Work, stored: DataFrame, job: JobSettings) -> DataFrame:
    if work.bars is None:
        return derive_longer(stored, work.frames, work.reach, job)
    if len(work.frames) == 1 and _is_nothing(stored, work.frames):
        return derive_new(work.bars, stored, work.frames, work.reach, job)
    return derive(work.bars, stored, work.frames, work.reach, job)


def _is_nothing(stored: DataFrame, frames: Sequence[Frame]) -> bool:
    # Told by the statistics of the files alone, and mostly so for a window that has just closed.
    return not stored.filter(span_condition(made_spans(frames))).inputFiles()


def _files(derived: DataFrame, base_interval: str, closed: int) -> list[Row]:
    """Count, for each file, what is new, changed, gone, final and disputed. What is gone was final.

    ``silent`` are the coins that are stale in the newest window that has closed, ``fresh`` those that have a bar.
    """
    is_newest = f"interval = '{base_interval}' AND unix_seconds(window_end) = {closed}"
    silent = f.expr(f"collect_set(IF({is_newest} AND stale, concat_ws('/', coin_id, vs_currency), NULL)) AS silent")
    groups = derived.groupBy("interval", "date", hour_of().alias("hour"))
    # Sorted here, as Spark would run the whole of it once more to find out into which parts to sort.
    return sorted(
        groups.agg(*_counts(base_interval), silent).collect(),
        key=lambda each: (each["interval"], each["date"], each["hour"]),
    )


@made_once
def _counts(base_interval: str) -> tuple[Column, ...]:
    counts = [f.count_if(f.col("change") == change).alias(change) for change in (NEW, CHANGED, GONE)]
    flags = [f.count_if("is_final").alias("final"), f.count_if("is_disputed").alias("disputed")]
    is_fresh = f.col("is_final") & ~f.col("gap") & ~f.coalesce("stale", f.lit(False))
    market = f.concat_ws("/", "coin_id", "vs_currency")
    fresh = f.collect_set(f.when((f.col("interval") == base_interval) & is_fresh, market)).alias("fresh")
    return (*counts, *flags, fresh)
