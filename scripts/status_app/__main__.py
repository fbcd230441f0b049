"""``./scripts/status``."""

import typer

from scripts.status_app.cli import status

if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(status)
    app(prog_name="./scripts/status")
