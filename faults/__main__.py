"""``python -m faults``; ``./scripts/faults`` is how to run it."""

import typer

from faults.cli import campaign

typer.run(campaign)
