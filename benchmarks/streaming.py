"""Streaming: JSON payloads become bars in CSV as a stream that is drained: by ours, plain Spark, bytewax and Flink."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.bar_tree import EXACT, KEY, SameBars
from benchmarks.bench import Bench, Benchmark, emptied
from benchmarks.command import timed
from benchmarks.figure import Figure, figure_of
from benchmarks.history import json_lines, make_ticks
from benchmarks.machine import cores
from benchmarks.our_job import JOBS, OURS, submit, time_empty_session, write_settings
from benchmarks.page_cache import forget
from benchmarks.peer import Peer, install_all
from benchmarks.plain_spark import PLAIN_SPARK, run_plain_spark
from benchmarks.result import Measured, Result
from benchmarks.turns import Work, take_turns
from pricestream.tick import heartbeat

_COINS: Final = 1_000
_TICKS: Final = 500_000
_QUICK_TICKS: Final = 50_000
#: Our ingest reads one a micro-batch.
_LINES_A_FILE: Final = 100_000
_MINUTE_MS: Final = 60_000
#: More than any watermark trails.
_HOUR_MS: Final = 3_600_000

_EMPTY: Final = "ours, empty session"
_BYTEWAX, _FLINK = Peer("bytewax", "bytewax"), Peer("flink", "apache-flink")

#: How many cores each may use. More than one worker of bytewax are threads of one interpreter.
_CORES: Final = {"bytewax": 1}

#: The columns of Flink's files, which have no header.
_FLINK_HEADER: Final = (*KEY, "window_end", "open", "high", "low", "close", "mean", "stddev", *EXACT[-3:])


def run_streaming(bench: Bench) -> Result:
    """Measure from the start of each program to its end, when the last window that can close is a file.

    Raises:
        BenchmarkError: our queries fail, or a contender's bars are not ours.
    """
    result = Result("stream", STREAMING.what, size={})
    peers, result.versions, result.absent = install_all((_BYTEWAX, _FLINK), bench.log)
    bench.say("writing the payloads")
    source, count, end_ms = _write_payloads(bench.place, bench.size(_TICKS, _QUICK_TICKS))
    result.size = {"ticks": count, "coins": _COINS}
    bars = SameBars()

    work: dict[str, Work] = {
        name: partial(_run_ours, bench, source, end_ms // 1_000, name, partial(bars.check, name)) for name in JOBS
    }
    work[PLAIN_SPARK] = partial(run_plain_spark, bench, "stream", source, partial(bars.check, PLAIN_SPARK))
    for peer in peers:
        work[peer.name] = partial(_run_peer, bench, source, peer, partial(bars.check, peer.name))
    work[_EMPTY] = partial(time_empty_session, bench)
    figures = take_turns(work, bench.rounds, said=bench.say)
    _report(result, figures, count, [peer.name for peer in peers])
    result.checked.append(f"{len(bars):,} bars of a minute of each run of each contender, as in the backfill")
    return result


def _report(result: Result, figures: dict[str, Figure], count: int, names: list[str]) -> None:
    beside = {**dict.fromkeys(JOBS, (PLAIN_SPARK, *names)), PLAIN_SPARK: tuple(names)}
    for name, figure in figures.items():
        against = beside.get(name, ())
        result.measured.append(Measured("whole program", name, figure, "s", against))
    for name in (*beside, *names):
        a_core = figure_of([count / seconds / _CORES.get(name, cores()) for seconds in figures[name].values])
        against = beside.get(name, ())
        note = "ticks by the seconds of the whole program and the cores that it may use: bytewax one, the others all"
        result.measured.append(Measured("a core", name, a_core, "ticks/s/core", against, note if name == OURS else ""))


def _write_payloads(folder: Path, ticks: int) -> tuple[Path, int, int]:
    """Write the payloads into files, and behind them a heartbeat that closes all windows.

    Returns:
        The folder, how many ticks are in it, and when the last of their windows ends, epoch ms.
    """
    made = make_ticks(ticks, _COINS, seed=7)
    source = folder / "payloads"
    source.mkdir()
    end_ms = int(made.event_ms.max()) // _MINUTE_MS * _MINUTE_MS + _MINUTE_MS
    for number, lines in enumerate(_pieces(json_lines(made))):
        (source / f"{number:04d}.jsonl").write_text("".join(lines), encoding="utf-8")
    beat = heartbeat(clock_ms=end_ms + _HOUR_MS, producer_id="bench", seq=made.coin.size + 1, source="replay")
    last = sorted(source.iterdir())[-1]
    with last.open("ab") as out:
        out.write(beat.to_json() + b"\n")
    return source, made.coin.size, end_ms


def _as_one(folder: Path) -> Path:
    """Put the files of a folder together into one beside it, where that is not there yet."""
    whole = folder.with_suffix(".jsonl")
    if not whole.exists():
        with whole.open("wb") as out:
            for each in sorted(folder.iterdir()):
                out.write(each.read_bytes())
    return whole


def _pieces(lines: Iterator[str]) -> Iterator[list[str]]:
    while piece := list(islice(lines, _LINES_A_FILE)):
        yield piece


def _run_ours(bench: Bench, source: Path, closed_s: int, name: str, check: Callable[[Path], None]) -> float:
    folder = emptied(bench.place / "ours")
    # A trigger at once: what has come is what there is.
    config = write_settings(folder, job={"trigger_seconds": 0, **JOBS[name]})
    forget(source)
    seconds = timed(submit("benchmarks/programs/drain_stream.py", config, source, closed_s), bench.log)
    check(folder / "csv")
    return seconds


def _run_peer(bench: Bench, source: Path, peer: Peer, check: Callable[[Path], None]) -> float:
    out = emptied(bench.place / peer.name)
    if peer is _FLINK:
        # Of several files it takes the last first, and its watermark drops what is in the others.
        source = _as_one(source)
    forget(source)
    seconds = timed(peer.script(f"{peer.name}_stream.py", source, out, _CORES.get(peer.name, cores())), bench.log)
    if peer is _FLINK:
        _give_headers(out)
    check(out)
    return seconds


def _give_headers(tree: Path) -> None:
    """Make Flink's files such as the others', out of the time that is measured."""
    for each in sorted(tree.rglob("part-*")):
        lines = each.read_text(encoding="utf-8")
        each.with_name(f"{each.name}.csv").write_text(f"{','.join(_FLINK_HEADER)}\n{lines}", encoding="utf-8")


STREAMING: Final = Benchmark(
    "stream",
    "JSON payloads in files, read as a stream, to bars of a minute in CSV, drained",
    run_streaming,
    is_scalable=True,
)
