"""``python -m scripts.deploy_app``; ``scripts/deploy`` runs this."""

import typer

from scripts.deploy_app.cli import deploy

# Without the pretty traceback, which prints the values of variables.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(deploy)

if __name__ == "__main__":
    app(prog_name="./scripts/deploy")
