"""The command line of the campaign."""

import secrets
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from faults.campaign import Result, run_drill, table_of, write_results
from faults.checkout import ROOT
from faults.drill import Drill
from faults.drills import ALL


def campaign(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these drills; all if none is named.", show_default=False)
    ] = None,
    kills: Annotated[
        int | None, typer.Option(min=1, help="How often what is killed at random is killed.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same campaign.", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="The full numbers: hours, instead of minutes.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where everything goes; .local/faults if none is given.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Say which drills there are, and end.")] = False,
) -> None:
    """Bring faults about, one after another, and see whether the promises hold.

    Exit codes: 0 all held; 1 one did not; 2 a wrong option.
    """
    console = Console()
    if list_all:
        for each in ALL:
            console.print(f"{each.name}: {each.fault} ({each.short:,} or {each.full:,} {each.unit})", highlight=False)
        return
    chosen = _chosen(names)
    seed = secrets.randbelow(10**6) if seed is None else seed
    place = _empty(out.absolute() if out else ROOT / ".local" / "faults")
    console.print(f"seed {seed}; everything is in {place}", highlight=False)
    results: list[Result] = []
    for drill in chosen:
        count = drill.full if full else drill.short
        if kills is not None and drill.unit == "kills":
            count = kills
        console.print(f"[bold]{drill.name}[/] ({count:,} {drill.unit})", highlight=False)
        results.append(run_drill(drill, count, seed=seed, place=place / drill.name, console=console))
        for line in results[-1].outcome.broken:
            console.print(f"  BROKEN: {line}", style="red", highlight=False, markup=False)
        # After each, so that a campaign that is cut short has told what it found.
        write_results(place / "results.json", results, seed=seed)
    console.print(table_of(results))
    raise typer.Exit(0 if all(each.outcome.holds for each in results) else 1)


def _chosen(names: list[str] | None) -> list[Drill]:
    unknown = [name for name in names or () if name not in {each.name for each in ALL}]
    if unknown:
        sys.stderr.write(f"faults: there is no drill {unknown[0]}; --list says which there are\n")
        raise typer.Exit(2)
    return [each for each in ALL if not names or each.name in names]


def _empty(place: Path) -> Path:
    """Empty a folder of an earlier campaign, and of nothing else."""
    if place.exists():
        if any(place.iterdir()) and not (place / "results.json").exists():
            sys.stderr.write(f"faults: {place} holds something else than a campaign; name another with --out\n")
            raise typer.Exit(2)
        shutil.rmtree(place)
    place.mkdir(parents=True)
    (place / "results.json").write_text("{}\n", encoding="utf-8")
    return place
