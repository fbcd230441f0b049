"""The command line of the benchmarks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.bench import Bench, Benchmark, emptied
from benchmarks.benchmarks import ALL
from benchmarks.checkout import ROOT
from benchmarks.errors import BenchmarkError
from benchmarks.java import java_home
from benchmarks.machine import describe_machine, load
from benchmarks.result import Result
from benchmarks.table import document_of, markdown_of
from pricestream.cli import line_of


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these benchmarks; all if none is named.", show_default=False)
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer ticks and runs: minutes, and rougher.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Say which benchmarks there are, and end.")] = False,
    ticks: Annotated[
        int | None, typer.Option(min=1, help="So many ticks, for those that take any number.", show_default=False)
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=1, help="How often each contender runs, for the same.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("benchmarks/results"),
) -> None:
    """Measure how fast the project is beside its peers, on this machine and in this run.

    Exit codes: 0 all was measured, 1 a benchmark failed or a contender's answer was wrong, 2 a wrong option.
    """
    console = Console()
    if list_all:
        for each in ALL:
            console.print(f"{each.name}: {each.what}", highlight=False, soft_wrap=True)
        return
    chosen = _chosen(names)
    if ticks or runs:
        _require_scalable(chosen)
    about: dict[str, Any] = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": quick,
        "ticks": ticks,
        "machine": describe_machine(),
    }
    if home := java_home():
        # Spark finds its Java by itself; Flink would take another, or none.
        os.environ["JAVA_HOME"] = str(home)
    out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    is_whole = True
    for each in chosen:
        result = _run(each, partial(Bench, is_quick=quick, ticks=ticks, runs=runs), console)
        if result is None:
            is_whole = False
            continue
        results.append(result)
        # After each, so that a run that is cut short has told what it found; and each into files of its own, so
        # that what another run has measured stays.
        _write(out, result, about)
    if results:
        console.print(Markdown(markdown_of(results, about)))
        console.print(f"written to {out}", highlight=False)
    raise typer.Exit(0 if is_whole else 1)


def _run(benchmark: Benchmark, bench: Callable[..., Bench], console: Console) -> Result | None:
    """Run one benchmark; None where it fails, which is said."""
    place = emptied(ROOT / ".local" / "bench" / "work" / benchmark.name)
    before = load()
    with console.status(benchmark.name) as status:

        def say(what: str) -> None:
            status.update(f"{benchmark.name}: {what}")
            if not console.is_terminal:
                sys.stderr.write(f"{benchmark.name}: {what}\n")

        try:
            result = benchmark.run(bench(place, say=say))
        except BenchmarkError as error:
            sys.stderr.write(f"error: {benchmark.name}: {line_of(error)}\n")
            return None
    result.load = {"before": before, "after": load()}
    return result


def _write(out: Path, result: Result, about: dict[str, Any]) -> None:
    kind = ["quick" if about["quick"] else "", str(about["ticks"] or "")]
    name = "-".join([result.name, *filter(None, kind)])
    document = json.dumps(document_of([result], about), indent=2)
    (out / f"{name}.json").write_text(f"{document}\n", encoding="utf-8")
    (out / f"{name}.md").write_text(markdown_of([result], about), encoding="utf-8")


def _chosen(names: list[str] | None) -> list[Benchmark]:
    unknown = [name for name in names or () if name not in {each.name for each in ALL}]
    if unknown:
        sys.stderr.write(f"bench: there is no benchmark {unknown[0]}; --list says which there are\n")
        raise typer.Exit(2)
    return [each for each in ALL if not names or each.name in names]


def _require_scalable(chosen: list[Benchmark]) -> None:
    others = [each.name for each in chosen if not each.is_scalable]
    if others:
        able = " and ".join(each.name for each in ALL if each.is_scalable)
        sys.stderr.write(f"bench: --ticks and --runs are for {able}, not for {others[0]}; name those alone\n")
        raise typer.Exit(2)


def _commit() -> str:
    """Name the commit that is measured, and say where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "unknown"
