"""``python -m scripts.demo_app``; ``scripts/demo`` runs this."""

import typer

from scripts.demo_app.cli import demo

# Without the pretty traceback, which prints the values of variables.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(demo)

if __name__ == "__main__":
    app(prog_name="./scripts/demo")
