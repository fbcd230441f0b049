"""Batches: how long the streaming job takes for a micro-batch, beside Spark with one append to a Delta table."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bar_tree import Bars, read_tree, require_equal
from benchmarks.bench import Bench, Benchmark
from benchmarks.fed_run import FedRun
from benchmarks.figure import figure_of
from benchmarks.our_job import JOBS, OURS, OURS_BASE, submit
from benchmarks.result import Measured, Result
from benchmarks.round import BOTH, KINDS, QUERIES, Timings
from faults.kinesis_stream import Stream
from faults.stand_in import kinesis_client, run_stand_in

_COINS: Final = 1_000
_FLOOR: Final = "one append"
#: Settings of each contender's job. The floor makes base bars and nothing longer.
_JOBS: Final = {**JOBS, _FLOOR: {}}
_STEPS: Final = "steps.jsonl"


def run_batches(bench: Bench) -> Result:
    """Feed all the same rounds at the same pace, one after another, and read what Spark reports of its batches.

    Raises:
        BenchmarkError: a program fails, or two make different bars.
    """
    runs, rounds = (1, 3) if bench.is_quick else (2, 5)
    size = {"coins": _COINS, "runs of each": runs, "rounds of a kind in each": rounds}
    result = Result("batch", BATCHES.what, size)
    timings = {name: Timings() for name in _JOBS}
    with run_stand_in(bench.place) as url:
        for number in range(runs):
            trees: dict[str, Bars] = {}
            for name in list(timings)[:: 1 if number % 2 == 0 else -1]:
                bench.say(f"run {number + 1} of {runs}: {name}")
                trees[name] = _measure(bench, name, Stream(kinesis_client(url), url), rounds, timings[name])
            for name in (OURS_BASE, _FLOOR):
                require_equal(trees[OURS], trees[name], name)
            result.checked.append(f"run {number + 1}: {len(trees[OURS]):,} bars of a minute of all")
    _report(result, timings)
    return result


def _report(result: Result, timings: Mapping[str, Timings]) -> None:
    for kind in KINDS:
        for query in (*QUERIES, BOTH):
            for name, timing in timings.items():
                against = () if name == _FLOOR else (_FLOOR,)
                seconds = figure_of(timing.seconds[kind, query])
                result.measured.append(Measured(f"{kind}, {query}", name, seconds, "s", against))
    parts = {
        f"{name}, {kind}, {query}, {part}": figure_of(values).values
        for name, timing in timings.items()
        for (kind, query, part), values in timing.parts.items()
    }
    result.details["parts"] = parts
    result.notes += [_parts_line(name, timing, kind) for name, timing in timings.items() for kind in KINDS]


def _parts_line(name: str, timing: Timings, kind: str) -> str:
    def of(query: str) -> str:
        found = {part: median(values) for (k, q, part), values in timing.parts.items() if (k, q) == (kind, query)}
        longest = sorted(found.items(), key=lambda item: -item[1])
        return ", ".join(f"{part} {seconds:.3f}" for part, seconds in longest if seconds >= 0.001)

    steps = of("step")
    own = f"; of these our steps {steps}" if steps else ""
    return f"Parts, medians in s: {name}, {kind}: ingest: {of('ingest')}; bars: {of('bars')}{own}"


def _measure(bench: Bench, name: str, stream: Stream, rounds: int, timings: Timings) -> Bars:
    folder = bench.place / name.replace(", ", "-").replace(" ", "-")

    def command(config: Path) -> list[object]:
        if name == _FLOOR:
            return submit("benchmarks/programs/floor_stream.py", config, folder / "csv")
        return submit("benchmarks/programs/timed_stream.py", folder / _STEPS, "--config", config)

    measured, batches = FedRun(bench, folder, stream, rounds, command, _COINS, job=_JOBS[name]).measure()
    timings.add(measured, batches)
    if name != _FLOOR:
        lines = (folder / _STEPS).read_text(encoding="utf-8").splitlines()
        timings.add_steps(measured, [json.loads(line) for line in lines])
    return read_tree(folder / "csv")


BATCHES: Final = Benchmark(
    "batch",
    "micro-batches of the streaming job: a heartbeat that closes nothing, and 1,000 ticks that close 1,000 windows",
    run_batches,
)
