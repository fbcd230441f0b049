"""``python -m scripts.notebook_app``; ``scripts/notebook`` runs this."""

import typer

from scripts.notebook_app.cli import notebook

# Without the pretty traceback, which prints the values of variables.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(notebook)

if __name__ == "__main__":
    app(prog_name="./scripts/notebook")
