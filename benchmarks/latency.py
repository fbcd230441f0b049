"""Latency: from PutRecords, and from the moment a window may close, to its final bars in the CSV on the disk."""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event
from time import time_ns
from typing import Any, Final

import numpy as np

from benchmarks.bench import Bench, Benchmark, emptied
from benchmarks.csv_watch import CsvWatch, SeenBar
from benchmarks.errors import BenchmarkError
from benchmarks.figure import figure_of
from benchmarks.history import coin_name
from benchmarks.live_feed import POLL_SECONDS, Bar, Call, LiveFeed
from benchmarks.our_job import OURS, local_spark_conf, submit, write_settings
from benchmarks.result import Measured, Result
from benchmarks.stream_job import StreamJob
from faults.kinesis_stream import Stream
from faults.stand_in import kinesis_client, run_stand_in
from pricestream.job_settings import JobSettings

_RATES: Final = (100, 1_000)
#: A shard takes 1,000 records a second.
_SHARDS: Final = 2
_SECONDS: Final = 240
_QUICK_SECONDS: Final = 40
#: The first windows to close do not count: for them much is compiled and loaded.
_WARM_WINDOWS: Final = 6
#: How long after its time the last window may still come.
_PATIENCE_SECONDS: Final = 300.0
_PERCENTILES: Final = (50, 95, 99)
_PROMISE_SECONDS: Final = 3.0

#: Short windows, for many samples. What is accepted late covers a feed that the machine has held up.
_JOB: Final[dict[str, Any]] = {"base_interval": "10s", "allowed_lateness_seconds": 10, "trigger_seconds": 0.5}
_SETTINGS: Final = JobSettings.model_validate(_JOB)
_WINDOW_MS: Final = _SETTINGS.interval_seconds * 1_000
_DELAY_MS: Final = _SETTINGS.watermark_seconds * 1_000

#: A coin and the start of a window, epoch ms.
Key = tuple[str, int]

_AFTER_DUE: Final = "after window end + watermark delay"
_AFTER_PUT: Final = "after PutRecords of what closes it"


@dataclass(frozen=True)
class Latency:
    """What one bar took."""

    #: When its window began, epoch ms.
    window_ms: int
    #: Seconds since its window's end and the watermark's delay.
    after_due: float
    #: Seconds since the answer to the first PutRecords with an event of then or later.
    after_put: float


def run_latency(bench: Bench) -> Result:
    """Feed the running job as the clock goes, and watch its files.

    Raises:
        BenchmarkError: the job fails, a bar does not come in five minutes, or one is wrong.
    """
    seconds = _QUICK_SECONDS if bench.is_quick else _SECONDS
    size = {
        "seconds of windows a rate": seconds,
        "shards": _SHARDS,
        **{name.replace("_", " "): value for name, value in _JOB.items()},
        "longer intervals": ", ".join(_SETTINGS.longer_intervals),
        "watermark delay seconds": _SETTINGS.watermark_seconds,
    }
    result = Result("latency", LATENCY.what, size)
    for rate in _RATES:
        # A stand-in of its own: it keeps everything in memory and looks through it.
        place = emptied(bench.place / str(rate))
        with run_stand_in(place) as url:
            _report(result, rate, _measure(bench, place, Stream(kinesis_client(url), url), rate, seconds, result))
    return result


def _measure(bench: Bench, folder: Path, stream: Stream, rate: int, seconds: int, result: Result) -> list[Latency]:
    stream.create(_SHARDS)
    config = _settings(folder, stream)
    bench.say(f"{rate:,} ticks/s: starting")
    feed = LiveFeed(stream, rate, time_ns() // 1_000_000)
    watch = CsvWatch(folder / "csv", _SETTINGS.base_interval)
    windows = measured_windows(feed.began_ms, seconds)
    last_due_ms = windows[-1] + _WINDOW_MS + _DELAY_MS
    wanted = {(coin_name(number), start) for number in range(rate) for start in windows}
    command = submit("jobs/stream_prices.py", "--config", config)
    # The feed begins before the job, so that the first window closes the sooner.
    with (
        _beside(feed.run, watch.run) as beside,
        StreamJob.start(command, config, bench.log, dict(os.environ)) as job,
    ):

        def has_seen_all() -> bool:
            for each in beside:
                if each.done():
                    each.result()
            return wanted <= watch.seen.keys()

        left = (last_due_ms - time_ns() // 1_000_000) / 1_000
        bench.say(f"{rate:,} ticks/s: {left:.0f} s until the last window is due")
        job.wait("every bar in the CSV", has_seen_all, seconds=left + _PATIENCE_SECONDS)
        job.stop()
    seen = {key: watch.seen[key] for key in sorted(wanted)}
    require_right({key: each.bar for key, each in seen.items()}, feed.bars(_SETTINGS.interval_seconds))
    sent = feed.ticks / (feed.calls[-1].returned_ms - feed.began_ms) * 1_000
    result.checked.append(
        f"{rate:,} ticks/s: {len(seen):,} bars of {_SETTINGS.base_interval}, open, close and tick_count to the last "
        f"bit as what was sent makes them; {sent:,.1f} ticks/s went out"
    )
    return latencies(seen, feed.calls)


@contextmanager
def _beside(*work: Callable[[Event], None]) -> Iterator[list[Future[None]]]:
    """Run functions in threads of their own, and stop them at the end.

    Raises:
        BenchmarkError: one of them has failed.
    """
    stopping = Event()
    with ThreadPoolExecutor(len(work)) as pool:
        futures = [pool.submit(each, stopping) for each in work]
        try:
            yield futures
        finally:
            stopping.set()
    for each in futures:
        each.result()


def measured_windows(began_ms: int, seconds: int) -> list[int]:
    """Give the starts (epoch ms) of the windows that count: whole ones, after those that warm up.

    Args:
        began_ms: when the first tick is due, epoch ms.
        seconds: how long they are together.
    """
    first = -(-began_ms // _WINDOW_MS) + _WARM_WINDOWS
    return [number * _WINDOW_MS for number in range(first, first + seconds * 1_000 // _WINDOW_MS)]


def require_right(found: Mapping[Key, Bar], sent: Mapping[Key, Bar]) -> None:
    """Make sure that bars are those of what was sent.

    Raises:
        BenchmarkError: one is not.
    """
    wrong = [key for key, bar in found.items() if bar != sent.get(key)]
    if wrong:
        key = wrong[0]
        raise BenchmarkError(f"{len(wrong)} bars are wrong, such as {key}: {found[key]} instead of {sent.get(key)}")


def latencies(seen: Mapping[Key, SeenBar], calls: Sequence[Call]) -> list[Latency]:
    """Work out what each bar took.

    Args:
        seen: the bars.
        calls: those of PutRecords, in their order.
    """
    clocks = [call.clock_ms for call in calls]
    found = []
    for (_, start), bar in seen.items():
        due_ms = start + _WINDOW_MS + _DELAY_MS
        put_ms = calls[bisect_left(clocks, due_ms)].returned_ms
        found.append(Latency(start, (bar.seen_ms - due_ms) / 1_000, (bar.seen_ms - put_ms) / 1_000))
    return found


def _report(result: Result, rate: int, found: Sequence[Latency]) -> None:
    columns = {_AFTER_DUE: [each.after_due for each in found], _AFTER_PUT: [each.after_put for each in found]}
    for since, values in columns.items():
        for percent in _PERCENTILES:
            value = float(np.percentile(values, percent))
            setting = f"{rate:,} ticks/s, {since}, p{percent}"
            result.measured.append(Measured(setting, OURS, figure_of([value]), "s"))
    late = float(np.percentile(columns[_AFTER_DUE], 95))
    kept = "kept" if late <= _PROMISE_SECONDS else "not kept"
    result.notes.append(
        f"{rate:,} ticks/s: at most {_PROMISE_SECONDS:g} s {_AFTER_DUE} at p95 is {kept}: {late:.2f} s, "
        f"the worst bar {max(columns[_AFTER_DUE]):.2f} s"
    )
    # In their order: where the job does not keep up, each is later than the one before.
    windows: dict[int, list[float]] = {}
    for each in found:
        windows.setdefault(each.window_ms, []).append(each.after_due)
    medians = [median(windows[start]) for start in sorted(windows)]
    result.details[f"{rate} ticks/s, median s {_AFTER_DUE} of each window"] = medians
    moments = len({(each.window_ms, each.after_due) for each in found})
    half = len(medians) // 2
    result.notes.append(
        f"{rate:,} ticks/s: the median window took {median(medians[:half]):.2f} s in the first half and "
        f"{median(medians[half:]):.2f} s in the second; bars of a window come together, so that {len(found):,} bars "
        f"are {moments} moments"
    )


def _settings(folder: Path, stream: Stream) -> Path:
    """Write settings, those of Spark as in ``conf/local.yaml``."""
    return write_settings(
        folder,
        job={**_JOB, "retention": {"every_hours": None}},
        stream={"name": stream.name, "endpoint_url": stream.endpoint},
        producer={"source": "replay", "poll_seconds": POLL_SECONDS},
        conf=local_spark_conf(),
    )


LATENCY: Final = Benchmark(
    "latency", "the running job, fed as the clock goes: until a window's final bars can be read in the CSV", run_latency
)
