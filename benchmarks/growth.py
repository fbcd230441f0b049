"""Growth: whether a micro-batch takes longer where the lake has a year behind it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, Benchmark
from benchmarks.command import run
from benchmarks.errors import BenchmarkError
from benchmarks.fed_run import COINS, FedRun
from benchmarks.figure import figure_of
from benchmarks.history import DAY, START_MS
from benchmarks.our_job import submit
from benchmarks.result import Measured, Result
from benchmarks.round import BOTH, KINDS, QUERIES, Timings
from faults.kinesis_stream import Stream
from faults.stand_in import kinesis_client, run_stand_in

_DAYS: Final = (1, 30, 365)
_QUICK_DAYS: Final = (1, 30)
#: Each of them has a bar, or a gap, for each minute of its history.
_HISTORY_COINS: Final = 2
_HOUR_MS: Final = 3_600_000


def run_growth(bench: Bench) -> Result:
    """Fill a lake by a backfill of so many days, then feed the streaming job upon it, and read what Spark reports.

    Raises:
        BenchmarkError: a program fails, or the lake lacks days.
    """
    lengths = _QUICK_DAYS if bench.is_quick else _DAYS
    size = {"coins": COINS, "coins with a history": _HISTORY_COINS, "rounds of a kind": bench.rounds}
    result = Result("growth", GROWTH.what, size)
    timings: dict[str, Timings] = {}
    with run_stand_in(bench.place) as url:
        for days in lengths:
            bench.say(f"{days} days")
            folder = bench.place / f"{days}-days"
            fill = partial(_fill, bench, folder, days)
            stream = Stream(kinesis_client(url), url)
            timing = timings[f"{days} days"] = Timings()
            timing.add(*FedRun(bench, folder, stream, bench.rounds, _command, fill).measure())
            result.checked.append(f"{days} days: {_check(folder, days):,} dates of CSV before that of the stream")
    _report(result, timings)
    return result


def _command(config: Path) -> list[object]:
    return submit("jobs/stream_prices.py", "--config", config)


def _fill(bench: Bench, folder: Path, days: int, config: Path) -> None:
    source = folder / "history.jsonl"
    with source.open("w", encoding="utf-8") as out:
        out.writelines(_lines(days))
    first = _first(days).date().isoformat()
    command = submit("jobs/backfill_prices.py", "--config", config, "--from", first, "--to", DAY)
    run([*command, "--source", "files", "--path", source, "--alone"], bench.log)


def _first(days: int) -> datetime:
    return datetime.fromtimestamp(START_MS / 1000, UTC) - timedelta(days=days)


def _lines(days: int) -> Iterator[str]:
    """Make a tick an hour of each coin that has a history."""
    for at_ms in range(START_MS - days * 24 * _HOUR_MS, START_MS, _HOUR_MS):
        for number in range(_HISTORY_COINS):
            price = 100.0 + number + at_ms // _HOUR_MS % 24
            tick = {"coin_id": f"coin-{number:05d}", "vs_currency": "usd", "price": price, "event_time": at_ms}
            yield json.dumps(tick) + "\n"


def _check(folder: Path, days: int) -> int:
    dates = {path.name for path in (folder / "csv" / "interval=1m").iterdir()}
    before = {date for date in dates if date < f"date={DAY}"}
    if len(before) != days:
        raise BenchmarkError(f"{folder}: has {len(before)} dates before the stream's instead of {days}")
    return len(before)


def _report(result: Result, timings: dict[str, Timings]) -> None:
    shortest = next(iter(timings))
    for kind in KINDS:
        for query in (*QUERIES, BOTH):
            for name, timing in timings.items():
                against = () if name == shortest else (shortest,)
                seconds = figure_of(timing.seconds[kind, query])
                result.measured.append(Measured(f"{kind}, {query}", name, seconds, "s", against))
    result.details["parts"] = {
        f"{name}, {', '.join(key)}": values for name, timing in timings.items() for key, values in timing.parts.items()
    }


GROWTH: Final = Benchmark("growth", "the same micro-batches on a lake with a longer and longer history", run_growth)
