"""Campaign: drills one after another, and what they came to as a table, a page of text and a document."""

import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from faults.drill import Drill, Outcome, Task
from pricestream.atomic import replace_file


@dataclass(frozen=True)
class Result:
    """What one drill came to."""

    drill: Drill
    count: int
    seconds: float
    outcome: Outcome


def run_drill(drill: Drill, count: int, *, seed: int, place: Path, console: Console) -> Result:
    """Run one drill. Its chance depends on the seed and its name alone, not on which drills ran before it.

    A drill that fails itself has proved nothing, and so counts as a promise that did not hold.
    """
    place.mkdir(parents=True)
    begun = time.monotonic()

    def say(what: str) -> None:
        console.print(f"  {drill.name}: {what}", highlight=False, markup=False)

    try:
        outcome = drill.run(Task(place, count, Random(f"{seed} {drill.name}"), say))  # noqa: S311 - no secret
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are run all the same
        (place / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        reason = " ".join(str(error).split())[:300]
        outcome = Outcome({}, (f"the drill itself failed: {type(error).__name__}: {reason}",))
    return Result(drill, count, time.monotonic() - begun, outcome)


def table_of(results: Sequence[Result]) -> Table:
    """Show what was counted, a row for each drill."""
    table = Table("drill", "fault", "struck", "counts", "s", "holds")
    for each in results:
        counts = ", ".join(f"{value:,} {name}" for name, value in each.outcome.counts.items())
        holds = "[green]yes[/]" if each.outcome.holds else "[red]NO[/]"
        struck = f"{each.count:,} {each.drill.unit}"
        table.add_row(each.drill.name, each.drill.fault, struck, counts, f"{each.seconds:.0f}", holds)
    return table


def write_results(path: Path, results: Sequence[Result], *, seed: int) -> None:
    """Write everything down for machines, as JSON."""
    document = {
        "seed": seed,
        "holds": all(each.outcome.holds for each in results),
        "drills": [
            {
                "name": each.drill.name,
                "fault": each.drill.fault,
                "count": each.count,
                "unit": each.drill.unit,
                "seconds": round(each.seconds, 1),
                "counts": dict(each.outcome.counts),
                "broken": list(each.outcome.broken),
            }
            for each in results
        ],
    }
    replace_file(path, json.dumps(document, indent=1).encode())
