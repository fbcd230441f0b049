"""Load: a job under far more than the usual rate, and under faults for a long time; its vitals over time."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from faults.batch_time import BatchTime
from faults.drill import Drill, Outcome, Task
from faults.kinesis_stream import Stream
from faults.lake import ticks_by_coin
from faults.market import closing, market
from faults.proxy import Answer, Call, Forward, Loss, pass_on
from faults.submitted_job import SubmittedJob
from faults.testbed import run_testbed
from faults.vitals import Vitals
from pricestream.settings import Settings

_NINE_MS: Final = 1_767_603_600_000  # 2026-01-05T09:00:00Z
_COINS: Final = {f"coin-{number}": 10.0 + number for number in range(20)}
#: Two ticks a second: twenty coins every ten seconds.
_USUAL: Final = 2
_SURGE: Final = 50
#: What the job may take at most, of which the JVM's heap is 2 GiB.
_MOST_MIB: Final = 4_000
#: How much more than in the second third a figure may be in the last.
_GROWTH: Final = 1.15
_FAULTY: Final = 0.05
#: A JVM takes what it may have for some minutes; a shorter run, in minutes, tells nothing of growth.
_TOLD_FROM: Final = 20


@dataclass
class Feed:
    """Puts ticks on a stream at a rate, in real time; the market's own time goes as fast as there are ticks."""

    stream: Stream
    minutes: float

    def __post_init__(self) -> None:
        """Make the ticks."""
        self._ticks = iter(market(_COINS, start_ms=_NINE_MS, minutes=self.minutes))
        self.sent = 0

    def run(self, seconds: float, rate: int, watch: Callable[[], None] = lambda: None) -> None:
        """Put ``rate`` ticks on the stream every second, for so long."""
        for second in range(int(seconds)):
            due = time.monotonic() + 1
            ticks = list(islice(self._ticks, rate))
            if ticks:
                self.stream.put_ticks(ticks)
                self.sent += len(ticks)
            if second % 10 == 0:
                watch()
            time.sleep(max(0.0, due - time.monotonic()))

    @property
    def end_ms(self) -> int:
        """A time that lies behind all ticks sent, at a whole minute, epoch ms."""
        return _NINE_MS + int(self.sent / len(_COINS) * 10_000 // 60_000 + 1) * 60_000


def surge(task: Task) -> Outcome:
    """Send fifty times the usual for so many minutes, stop the job meanwhile, and let it work off the backlog."""
    with run_testbed(task.place) as bed:
        stream = bed.stream()
        settings, overrides = bed.settings("surge", stream)
        batch = BatchTime.on_free_port()
        overrides += batch.overrides
        log = task.place / "job.log"
        total = 60 * _USUAL + task.count * 60 * _USUAL * _SURGE
        feed = Feed(stream, minutes=total / len(_COINS) / 6 + 1)
        jobs: list[SubmittedJob] = []
        with _vitals(jobs, settings, stream, batch) as vitals:
            with SubmittedJob.start(settings, overrides, log) as job:
                jobs.append(job)
                feed.run(60, _USUAL)
                task.say(f"{feed.sent:,} ticks at the usual rate; now {_SURGE} times as many")
                feed.run(task.count * 30, _USUAL * _SURGE, lambda: task.say(_how(vitals)))
                job.stop()
            # The second half comes while nobody reads.
            feed.run(task.count * 30, _USUAL * _SURGE)
            task.say(f"{feed.sent:,} ticks; the job starts again, and has a backlog")
            began = time.monotonic()
            with SubmittedJob.start(settings, overrides, log) as job:
                jobs.append(job)
                stream.put(closing(settings, feed.end_ms))
                job.settle(rows=stream.sent, watermark_ms=feed.end_ms)
                seconds = time.monotonic() - began
                job.stop()
        vitals.write(task.place / "vitals.csv")
        return _judged(settings, feed, vitals, {"seconds until the backlog was done": round(seconds)})


def soak(task: Task) -> Outcome:
    """Run for so many minutes at five times the usual rate, with one call in twenty failing in some way."""
    counts: Counter[str] = Counter()
    with run_testbed(task.place) as bed:
        stream = bed.stream()
        settings, overrides = bed.settings("soak", stream)
        batch = BatchTime.on_free_port()
        overrides += batch.overrides
        bed.proxy.meddle = _mix(task.rng, counts)
        feed = Feed(stream, minutes=task.count * 60 * _USUAL * 5 / len(_COINS) / 6 + 1)
        jobs: list[SubmittedJob] = []
        with (
            _vitals(jobs, settings, stream, batch) as vitals,
            SubmittedJob.start(settings, overrides, task.place / "job.log") as job,
        ):
            jobs.append(job)
            feed.run(task.count * 60, _USUAL * 5, lambda: task.say(_how(vitals)))
            bed.proxy.meddle = pass_on
            stream.put(closing(settings, feed.end_ms))
            job.settle(rows=stream.sent, watermark_ms=feed.end_ms)
            job.stop()
        vitals.write(task.place / "vitals.csv")
        outcome = _judged(settings, feed, vitals, counts)
        thirds = {what: vitals.thirds(what) for what in ("memory_mib", "open_files", "state_mib", "batch_seconds")}
        medians = {
            f"{what}, median of the {name} third": round(value)
            for what, pair in thirds.items()
            for name, value in zip(("second", "last"), pair, strict=True)
        }
        grown = [
            f"{what} grew from {middle:.1f} to {last:.1f}"
            for what, (middle, last) in thirds.items()
            if task.count >= _TOLD_FROM and last > middle * _GROWTH + 1
        ]
        return Outcome({**outcome.counts, **medians}, (*outcome.broken, *grown))


def _mix(rng: Random, counts: Counter[str]) -> Callable[[Call, Forward], Answer | Loss]:
    def meddle(call: Call, forward: Forward) -> Answer | Loss:
        if rng.random() >= _FAULTY:
            return forward(call)
        kind = rng.choice(("calls answered with 500", "calls lost", "answers lost"))
        counts[kind] += 1
        if kind == "calls lost":
            return Loss.CALL
        if kind == "answers lost":
            forward(call)
            return Loss.ANSWER
        return Answer(500, b'{"__type":"InternalFailure"}', {"Content-Type": "application/x-amz-json-1.1"})

    return meddle


def _vitals(jobs: list[SubmittedJob], settings: Settings, stream: Stream, batch: BatchTime) -> Vitals:
    state = Path(settings.job.checkpoint) / "bars" / "state"
    return Vitals(
        group=lambda: jobs[-1].process.pid if jobs else 0,
        state=state,
        lag=lambda: stream.sent - (jobs[-1].rows if jobs else 0),
        batch_seconds=batch.seconds,
    )


def _how(vitals: Vitals) -> str:
    if not vitals.samples:
        return "no sample yet"
    last = vitals.samples[-1]
    return f"{last.memory_mib:.0f} MiB, {last.open_files} open files, {last.lag:,} records behind"


def _judged(settings: Settings, feed: Feed, vitals: Vitals, counts: "Counter[str] | dict[str, int]") -> Outcome:
    """See that every tick is in a bar of the files, and that memory kept to its bound."""
    in_bars = ticks_by_coin(settings).total()
    most = max((each.memory_mib for each in vitals.samples), default=0.0)
    found = {"ticks sent": feed.sent, "ticks in bars": in_bars, "MiB at most": round(most)}
    found["open files at most"] = max((each.open_files for each in vitals.samples), default=0)
    broken = [] if in_bars == feed.sent else [f"{feed.sent:,} ticks were sent, {in_bars:,} are in bars"]
    broken += [] if 0 < most <= _MOST_MIB else [f"it took {most:.0f} MiB"]
    return Outcome({**counts, **found}, tuple(broken))


SURGE: Final = Drill(
    name="surge",
    fault="50 times the usual rate, a stop in the midst of it, and the backlog",
    run=surge,
    unit="minutes",
    short=1,
    full=10,
    has_spark=True,
)
SOAK: Final = Drill(
    name="soak",
    fault="a long run in which one call in twenty fails",
    run=soak,
    unit="minutes of faults",
    short=2,
    full=60,
    has_spark=True,
)
