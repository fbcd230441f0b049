"""Batches: how long the streaming job takes for a micro-batch, beside Spark with one append to a Delta table."""

import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.bar_tree import Bars, read_tree, require_equal
from benchmarks.bench import Bench, Benchmark
from benchmarks.event_log import TOTAL, MicroBatch, event_log_conf, read_batches
from benchmarks.figure import figure_of
from benchmarks.history import START_MS, coin_name
from benchmarks.our_job import submit, write_settings
from benchmarks.result import Measured, Result
from benchmarks.stream_job import StreamJob
from faults.kinesis_stream import Stream
from faults.stand_in import kinesis_client, run_stand_in
from pricestream.tick import Tick, heartbeat

_COINS: Final = 1_000
_MINUTE_MS: Final = 60_000
#: Before the first window closes, with the watermark's delay, and a little more.
_MINUTES_BEFORE: Final = 10
#: A query's first batches compile and load what later ones have.
_WARM_ROUNDS: Final = 3
#: Longer than what any batch takes, so that one round never meets the work of another.
_PACE_SECONDS: Final = 6.0

#: As in ``conf/local.yaml``: for a thousand rows compiling takes longer than the rows do. For both alike.
_CONF: Final = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
_TRIGGER_SECONDS: Final = 0.5

_OURS, _FLOOR = "ours", "one append"
_NOTHING, _TICKS = "nothing to do", "1,000 ticks"
_QUERIES: Final = ("ingest", "bars")


@dataclass(frozen=True)
class Round:
    """What was put on the stream at one moment."""

    kind: str
    #: Epoch ms, by the machine's clock.
    began_ms: int
    end_ms: int


@dataclass
class Timings:
    """What the rounds of one contender took, over all its runs."""

    #: Seconds of each round, by its kind and the query; ``both`` is their sum.
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    #: The same by part: Spark's, and the job's own steps.
    parts: dict[tuple[str, str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, rounds: Iterable[Round], batches: Sequence[MicroBatch]) -> None:
        """Sum the micro-batches of each round; a round that a query had no batch in counts as nothing.

        The seconds are those in which a trigger had something to do, without the wait for the next one.
        """
        for each in rounds:
            total = 0.0
            for query in _QUERIES:
                within = [b for b in batches if b.query == query and each.began_ms <= b.began_ms < each.end_ms]
                seconds = sum(batch.parts[TOTAL] for batch in within)
                self.seconds[each.kind, query].append(seconds)
                total += seconds
                for name in sorted({name for batch in within for name in batch.parts} - {TOTAL}):
                    self.parts[each.kind, query, name].append(sum(batch.parts.get(name, 0.0) for batch in within))
            self.seconds[each.kind, "both"].append(total)

    def add_steps(self, rounds: Iterable[Round], steps: Sequence[Mapping[str, Any]]) -> None:
        """Sum the job's own steps of each round."""
        for each in rounds:
            within = [step for step in steps if each.began_ms <= step["began_ms"] < each.end_ms]
            for name in sorted({step["step"] for step in within}):
                seconds = sum(step["seconds"] for step in within if step["step"] == name)
                self.parts[each.kind, "step", name].append(seconds)


def run_batches(bench: Bench) -> Result:
    """Feed both the same rounds at the same pace, one after another, and read what Spark reports of its batches.

    Raises:
        BenchmarkError: a program fails, or the two make different bars.
    """
    runs, rounds = (1, 3) if bench.is_quick else (2, 5)
    size = {"coins": _COINS, "runs of each": runs, "rounds of a kind in each": rounds}
    result = Result("batch", BATCHES.what, size)
    timings = {_OURS: Timings(), _FLOOR: Timings()}
    with run_stand_in(bench.place) as url:
        for number in range(runs):
            trees: dict[str, Bars] = {}
            for name in list(timings)[:: 1 if number % 2 == 0 else -1]:
                bench.say(f"run {number + 1} of {runs}: {name}")
                trees[name] = _Run(bench, name, Stream(kinesis_client(url), url), rounds).measure(timings[name])
            require_equal(trees[_OURS], trees[_FLOOR], _FLOOR)
            result.checked.append(f"run {number + 1}: {len(trees[_OURS]):,} bars of a minute of both")
    _report(result, timings)
    return result


def _report(result: Result, timings: Mapping[str, Timings]) -> None:
    for kind in (_NOTHING, _TICKS):
        for query in (*_QUERIES, "both"):
            for name, timing in timings.items():
                against = (_FLOOR,) if name == _OURS else ()
                seconds = figure_of(timing.seconds[kind, query])
                result.measured.append(Measured(f"{kind}, {query}", name, seconds, "s", against))
    parts = {
        f"{name}, {kind}, {query}, {part}": figure_of(values).values
        for name, timing in timings.items()
        for (kind, query, part), values in timing.parts.items()
    }
    result.details["parts"] = parts
    result.notes += [_parts_line(name, timing, kind) for name, timing in timings.items() for kind in (_NOTHING, _TICKS)]


def _parts_line(name: str, timing: Timings, kind: str) -> str:
    def of(query: str) -> str:
        found = {part: median(values) for (k, q, part), values in timing.parts.items() if (k, q) == (kind, query)}
        longest = sorted(found.items(), key=lambda item: -item[1])
        return ", ".join(f"{part} {seconds:.3f}" for part, seconds in longest if seconds >= 0.001)

    steps = of("step")
    own = f"; of these our steps {steps}" if steps else ""
    return f"Parts, medians in s: {name}, {kind}: ingest: {of('ingest')}; bars: {of('bars')}{own}"


class _Run:
    """One run of one contender: start, feed, stop, read."""

    def __init__(self, bench: Bench, name: str, stream: Stream, rounds: int) -> None:
        self._bench = bench
        self._name = name
        self._stream = stream
        self._rounds = rounds
        self._folder = bench.place / name.replace(" ", "-")
        self._minute = 0
        self._seq = 0

    def measure(self, timings: Timings) -> Bars:
        """Measure all rounds. Returns the bars that were made."""
        shutil.rmtree(self._folder, ignore_errors=True)
        events = self._folder / "events"
        events.mkdir(parents=True)
        self._stream.create()
        config = write_settings(
            self._folder,
            job={"trigger_seconds": _TRIGGER_SECONDS, "retention": {"every_hours": None}},
            stream={"name": self._stream.name, "endpoint_url": self._stream.endpoint},
            conf=_CONF | event_log_conf(events),
        )
        with StreamJob.start(self._command(config), config, self._bench.log, dict(os.environ)) as job:
            rounds = self._feed(job)
            job.stop()
        timings.add(rounds, read_batches(events))
        if self._steps.exists():
            lines = self._steps.read_text(encoding="utf-8").splitlines()
            timings.add_steps(rounds, [json.loads(line) for line in lines])
        return read_tree(self._folder / "csv")

    @property
    def _steps(self) -> Path:
        return self._folder / "steps.jsonl"

    def _command(self, config: Path) -> list[object]:
        if self._name == _OURS:
            return submit("benchmarks/programs/timed_stream.py", self._steps, "--config", config)
        return submit("benchmarks/programs/floor_stream.py", config, self._folder / "csv")

    def _feed(self, job: StreamJob) -> list[Round]:
        """Put rounds on the stream at a steady pace, those that warm up first; they are not given."""
        self._put([tick for _ in range(_MINUTES_BEFORE) for tick in self._next_minute()])
        time.sleep(3 * _PACE_SECONDS)
        rounds = []
        for number in range(_WARM_ROUNDS + self._rounds):
            for kind in (_NOTHING, _TICKS):
                began_ms = time.time_ns() // 1_000_000
                self._put([self._beat()] if kind == _NOTHING else self._next_minute())
                job.child.check()
                time.sleep(max(0.0, began_ms / 1000 + _PACE_SECONDS - time.time()))
                if number >= _WARM_ROUNDS:
                    rounds.append(Round(kind, began_ms, time.time_ns() // 1_000_000))
        return rounds

    def _put(self, ticks: Sequence[Tick]) -> None:
        self._stream.put(*(tick.to_json() for tick in ticks))

    def _next_minute(self) -> list[Tick]:
        """Make a tick of each coin in the minute that follows, and the heartbeat behind them."""
        self._minute += 1
        now = START_MS + self._minute * _MINUTE_MS
        ticks = [
            Tick(
                coin_name(number),
                "usd",
                1.0 + number + self._minute / 100,
                now,
                now,
                "bench",
                self._seq + number + 1,
                "replay",
            )
            for number in range(_COINS)
        ]
        self._seq += _COINS
        return [*ticks, self._beat()]

    def _beat(self) -> Tick:
        self._seq += 1
        clock = START_MS + self._minute * _MINUTE_MS
        return heartbeat(clock_ms=clock, producer_id="bench", seq=self._seq, source="replay")


BATCHES: Final = Benchmark(
    "batch",
    "micro-batches of the streaming job: a heartbeat that closes nothing, and 1,000 ticks that close 1,000 windows",
    run_batches,
)
