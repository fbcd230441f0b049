"""``python -m dashboard``; ``scripts/dashboard`` runs this."""

import typer

from dashboard.cli import dashboard

# Without the pretty traceback, which prints the values of variables.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(dashboard)

if __name__ == "__main__":
    app(prog_name="./scripts/dashboard")
