"""How long the candles of a file are, by what a person says, by its first rows, and whether all rows agree."""

from collections import Counter, defaultdict
from collections.abc import Collection
from itertools import pairwise
from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

from jobs.candles import NOT_ALIGNED
from jobs.history_find import plain_path
from jobs.history_layout import Layout
from jobs.history_time import parse_time_ms
from pricestream.errors import SettingsError, SourceError
from pricestream.interval import interval_seconds
from pricestream.job_settings import JobSettings

_DAY_SECONDS: Final = 86_400


def candle_interval(path: str, layout: Layout, job: JobSettings, given: str | None) -> str:
    """Tell which of the job's intervals the candles of a file have.

    Args:
        path: for errors.
        layout: with the first rows of the file.
        job: has the intervals.
        given: what a person says it is; None takes the most common distance between a coin's candles.

    Raises:
        SettingsError: it cannot be told, or is no interval of the job; the message says what to do.
    """
    if given is None:
        seconds = _common_spacing_seconds(layout)
        if seconds is None:
            raise SettingsError(f"{path}: has too few candles to tell how long they are; say so with --candle-interval")
    else:
        try:
            seconds = interval_seconds(given)
        except ValueError as error:
            raise SettingsError(f"--candle-interval: {error}") from None
    for name in job.all_intervals:
        if interval_seconds(name) == seconds:
            return name
    known = f"the job has {', '.join(job.all_intervals)}"
    if _can_be_added(seconds, job):
        longer = ", ".join((*job.longer_intervals, interval_name(seconds)))
        raise SettingsError(
            f"{path}: its candles are {interval_name(seconds)} long, but {known}; set job.intervals to [{longer}]"
        )
    raise SettingsError(
        f"{path}: its candles are {interval_name(seconds)} long, but {known}, and other intervals must be multiples "
        f"of {job.base_interval} that divide a day; take a file of other candles, or name their length with "
        "--candle-interval if this is not it"
    )


def _common_spacing_seconds(layout: Layout) -> int | None:
    """Give the most common distance between a coin's successive candles; the shortest of several."""
    times: dict[tuple[str | None, ...], set[int]] = defaultdict(set)
    for row in layout.sample:
        time = parse_time_ms(row["time"] or "")
        if time is not None:
            times[row.get("coin_id"), row.get("symbol"), row.get("vs_currency")].add(time // 1000)
    distances = Counter(
        later - earlier for of_coin in times.values() for earlier, later in pairwise(sorted(of_coin)) if later > earlier
    )
    return min(distances, key=lambda seconds: (-distances[seconds], seconds), default=None)


def refuse_shorter_candles(judged: DataFrame, interval: str, files: Collection[str]) -> None:
    """Make sure that candles are not shorter than it was said, or than those of another file.

    Most of them would be turned away as not aligned, and every first one of a longer window would pass for the whole
    of it.

    Args:
        judged: ``file``, ``coin_id``, ``vs_currency``, ``window_start``, ``reason`` (null where nothing is wrong).
        interval: how long candles are taken to be.
        files: which to look at: those with candles that are not aligned. There is a sort in it.

    Raises:
        SourceError: in one of the files most of a coin's candles are less than that apart.
    """
    series = ("file", "coin_id", "vs_currency")
    is_meant = f.col("reason").isNull() | (f.col("reason") == NOT_ALIGNED)
    start = f.unix_seconds("window_start").alias("start")
    starts = judged.filter(f.col("file").isin(sorted(files)) & is_meant).select(*series, start).distinct()
    apart = f.col("start") - f.lag("start").over(Window.partitionBy(*series).orderBy("start"))
    counts = starts.select(*series, apart.alias("apart")).filter("apart > 0").groupBy(*series, "apart").count()
    # Of several that are as common the longest: a row or two that are wrong make no short candles.
    usual = counts.groupBy(*series).agg(f.max_by("apart", f.struct("count", "apart")).alias("apart"))
    found = usual.filter(f.col("apart") < interval_seconds(interval)).orderBy("file").limit(1).collect()
    for row in found:
        raise SourceError(
            f"{plain_path(row['file'])}: its candles are {interval_name(row['apart'])} apart and not {interval}; "
            "import candles of one length at a time, and say how long they are with --candle-interval"
        )


def _can_be_added(seconds: int, job: JobSettings) -> bool:
    return seconds > job.interval_seconds and seconds % job.interval_seconds == 0 and _DAY_SECONDS % seconds == 0


def interval_name(seconds: int) -> str:
    """Name a length the short way: ``interval_name(14400) == "4h"``."""
    units = {"d": 86_400, "h": 3_600, "m": 60}
    for unit, length in units.items():
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
