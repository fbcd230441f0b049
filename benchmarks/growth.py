"""Growth: whether a micro-batch takes longer, and more memory, with a year behind it, more coins, or fewer cores."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from benchmarks.bench import Bench, Benchmark
from benchmarks.command import run
from benchmarks.errors import BenchmarkError
from benchmarks.fed_run import FedRun
from benchmarks.figure import figure_of
from benchmarks.growth_case import Case, series_of
from benchmarks.history import DAY, START_MS
from benchmarks.machine import cores
from benchmarks.our_job import DRIVER_MEMORY, submit
from benchmarks.result import Measured, Result
from benchmarks.round import BOTH, KINDS, QUERIES, Timings
from faults.kinesis_stream import Stream
from faults.stand_in import kinesis_client, run_stand_in

_ROUNDS: Final = 3
_QUICK_ROUNDS: Final = 2
_WARM_ROUNDS: Final = 2
#: Each of them has a bar, or a gap, for each minute of its history.
_HISTORY_COINS: Final = 2
_HOUR_MS: Final = 3_600_000
_NOTES: Final = (
    "The case that is in each series was measured once",
    f"Memory is the most of the job's processes while it was fed (PSS, a look a second); its heap has {DRIVER_MEMORY}",
    "The stand-in for Kinesis and what feeds it have all cores, also beside a job that has one",
)


@dataclass(frozen=True)
class _Grown:
    """What one case took."""

    timings: Timings
    peak_mib: float


def run_growth(bench: Bench) -> Result:
    """Fill a lake by a backfill of so many days, then feed the streaming job upon it, and read what Spark reports.

    Raises:
        BenchmarkError: a program fails, the lake lacks days, or a window lacks coins.
    """
    series = series_of(cores(), is_quick=bench.is_quick)
    rounds = _QUICK_ROUNDS if bench.is_quick else _ROUNDS
    result = Result("growth", GROWTH.what, {"coins with a history": _HISTORY_COINS, "rounds of a kind": rounds})
    grown: dict[Case, _Grown] = {}
    with run_stand_in(bench.place) as url:
        # One case is in all series, and is measured once.
        for case in dict.fromkeys(case for cases in series.values() for case in cases.values()):
            bench.say(str(case))
            folder = bench.place / f"{case.days}-{case.coins}-{case.cores}"
            fill = partial(_fill, bench, folder, case.days) if case.days else None
            stream = Stream(kinesis_client(url), url)
            fed = FedRun(bench, folder, stream, rounds, _command, case.coins, case.cores, _WARM_ROUNDS, fill)
            timings = Timings()
            timings.add(*fed.measure())
            grown[case] = _Grown(timings, fed.peak_mib)
            dates, windows = _check_dates(folder, case.days), _check_windows(folder, case.coins)
            result.checked.append(
                f"{case}: {dates:,} dates of CSV before that of the stream, {windows} windows with a bar of each coin"
            )
    for name, cases in series.items():
        _report(result, name, {label: grown[case] for label, case in cases.items()})
    result.details["parts"] = {
        f"{case}, {', '.join(key)}": values
        for case, each in grown.items()
        for key, values in each.timings.parts.items()
    }
    result.notes += list(_NOTES)
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


def _check_dates(folder: Path, days: int) -> int:
    dates = {path.name for path in (folder / "csv" / "interval=1m").iterdir()}
    before = {date for date in dates if date < f"date={DAY}"}
    if len(before) != days:
        raise BenchmarkError(f"{folder}: has {len(before)} dates before the stream's instead of {days}")
    return len(before)


def _check_windows(folder: Path, coins: int) -> int:
    """Count the windows of the stream that were published. Each must have a bar of each coin with ticks in it."""
    files = (folder / "csv" / "interval=1m" / f"date={DAY}").rglob("*.csv")
    bars = pd.concat([pd.read_csv(file, usecols=["coin_id", "window_start", "tick_count"]) for file in files])
    counts = bars[bars["tick_count"] > 0].groupby("window_start")["coin_id"].nunique()
    for start, count in counts.items():
        if count != coins:
            raise BenchmarkError(f"{folder}: the window of {start} has bars of {count} coins instead of {coins}")
    return len(counts)


def _report(result: Result, series: str, grown: Mapping[str, _Grown]) -> None:
    first = next(iter(grown))

    def add(setting: str, name: str, values: list[float], unit: str) -> None:
        against = () if name == first else (first,)
        result.measured.append(Measured(f"{series}: {setting}", name, figure_of(values), unit, against))

    for kind in KINDS:
        for query in (*QUERIES, BOTH):
            for name, each in grown.items():
                add(f"{kind}, {query}", name, each.timings.seconds[kind, query], "s")
    for name, each in grown.items():
        add("peak memory", name, [each.peak_mib], "MiB")


GROWTH: Final = Benchmark(
    "growth",
    "micro-batches of the streaming job with a longer history, with more coins, and with more cores",
    run_growth,
)
