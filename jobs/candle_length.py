"""How long the candles of a file are."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Final

from jobs.history_layout import Layout
from jobs.history_time import parse_time_ms
from pricestream.errors import SettingsError
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


def _can_be_added(seconds: int, job: JobSettings) -> bool:
    return seconds > job.interval_seconds and seconds % job.interval_seconds == 0 and _DAY_SECONDS % seconds == 0


def interval_name(seconds: int) -> str:
    """Name a length the short way: ``interval_name(14400) == "4h"``."""
    units = {"d": 86_400, "h": 3_600, "m": 60}
    for unit, length in units.items():
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
