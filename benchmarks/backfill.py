"""Backfill: history in files becomes bars in CSV, by our job, by plain Spark, by DuckDB and by Polars."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.bar_tree import EXACT, SameBars
from benchmarks.bench import Bench, Benchmark, emptied
from benchmarks.command import timed
from benchmarks.history import DAY, NEXT_DAY, History, write_history
from benchmarks.machine import cores
from benchmarks.our_job import JOBS, OURS_BASE, submit, time_empty_session, write_settings
from benchmarks.page_cache import forget
from benchmarks.peer import Peer, install_all
from benchmarks.plain_spark import PLAIN_SPARK, run_plain_spark
from benchmarks.result import Measured, Result
from benchmarks.turns import Work, take_turns

_COINS: Final = 1_000
_TICKS: Final = 1_000_000
_QUICK_TICKS: Final = 200_000
_KINDS: Final = ("parquet", "json")

_EMPTY: Final = "ours, empty session"
_APART: Final = "ours, base interval, less the empty session"

_PEERS: Final = (Peer("duckdb", "duckdb"), Peer("polars", "polars"))


def run_backfill(bench: Bench) -> Result:
    """Measure from the start of each program to its end.

    Raises:
        BenchmarkError: our job fails, or a contender's bars are not ours.
    """
    result = Result("backfill", BACKFILL.what, size={})
    peers, result.versions, result.absent = install_all(_PEERS, bench.log)
    bench.say("writing the ticks")
    history = write_history(bench.place, ticks=bench.size(_TICKS, _QUICK_TICKS), coins=_COINS)
    result.size = {"ticks": history.ticks, "coins": history.coins}
    for kind in _KINDS:
        _measure(bench, history, kind, peers, result)
    return result


def _measure(bench: Bench, history: History, kind: str, peers: list[Peer], result: Result) -> None:
    bars = SameBars()

    work: dict[str, Work] = {
        name: partial(_run_ours, bench, history, kind, name, partial(bars.check, name)) for name in JOBS
    }
    work[PLAIN_SPARK] = partial(run_plain_spark, bench, kind, history.path(kind), partial(bars.check, PLAIN_SPARK))
    for peer in peers:
        work[peer.name] = partial(_run_peer, bench, history, kind, peer, partial(bars.check, peer.name))
    work[_EMPTY] = partial(time_empty_session, bench)
    figures = take_turns(work, bench.rounds, said=lambda what: bench.say(f"{kind}, {what}"))
    figures[_APART] = figures[OURS_BASE].less(figures[_EMPTY])
    names = tuple(peer.name for peer in peers)
    beside = {**dict.fromkeys((*JOBS, _APART), (PLAIN_SPARK, *names)), PLAIN_SPARK: names}
    for name, figure in figures.items():
        note = "worked out from the two, run by run" if name == _APART else ""
        result.measured.append(Measured(kind, name, figure, "s", beside.get(name, ()), note))
    result.checked.append(
        f"{kind}: {len(bars):,} bars of a minute of each run of each contender, {', '.join(EXACT)} to the last bit, "
        "mean and stddev to 1e-9 of the mean"
    )


def _run_ours(bench: Bench, history: History, kind: str, name: str, check: Callable[[Path], None]) -> float:
    folder = emptied(bench.place / "ours")
    config = write_settings(folder, job=JOBS[name])
    source = history.path(kind)
    forget(source)
    command = submit("jobs/backfill_prices.py", "--config", config, "--from", DAY, "--to", NEXT_DAY)
    seconds = timed([*command, "--source", "files", "--path", source], bench.log)
    check(folder / "csv")
    return seconds


def _run_peer(bench: Bench, history: History, kind: str, peer: Peer, check: Callable[[Path], None]) -> float:
    out = emptied(bench.place / peer.name)
    source = history.path(kind)
    forget(source)
    seconds = timed(peer.script(f"{peer.name}_backfill.py", kind, source, out, cores()), bench.log)
    check(out)
    return seconds


BACKFILL: Final = Benchmark(
    "backfill",
    "history in files to bars of a minute in CSV; each program from its start to its end",
    run_backfill,
    is_scalable=True,
)
