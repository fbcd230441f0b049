"""Screen: how a system is, on one."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pricestream.cli import harmless
from scripts.status_app.health import Health, Part


def show(health: Health, console: Console) -> None:
    """Print the parts, and below them what is wrong."""
    table = Table("part", "state", "what is known", title=Text(health.what), title_justify="left", box=None)
    for part in health.parts:
        table.add_row(part.name, _state(part), Text(harmless(", ".join(fact.words for fact in part.facts))))
    console.print(table)
    console.print()
    for problem in health.problems:
        console.print(Text.assemble(("! ", "bold red"), harmless(problem)), soft_wrap=True)
    count = len(health.problems)
    if count:
        console.print(Text(f"not healthy: {count} {'thing is' if count == 1 else 'things are'} wrong", "bold red"))
    else:
        console.print(Text("healthy", "bold green"))


def _state(part: Part) -> Text:
    return Text(harmless(part.state), "red" if part.problems else "green")
