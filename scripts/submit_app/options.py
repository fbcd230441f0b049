"""What the subcommands share on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from pricestream.cli import line_of
from pricestream.errors import PricestreamError
from scripts.local_env.checkout import Checkout
from scripts.platform.session import open_session
from scripts.submit_app.site import Site, open_site

CHECKOUT: Final = Checkout(Path(__file__).resolve().parents[2])

Stack = Annotated[str, typer.Option(help="The stack that ./scripts/deploy has made.")]
Region = Annotated[str | None, typer.Option(help="Where it is; that of your AWS set-up if none is given.")]
Config = Annotated[Path, typer.Option(help="The settings file. What it leaves out comes from the stack.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings.")
]
Package = Annotated[
    Path | None, typer.Option("--package", help="The artefact's folder; the newest in dist/ if none is given.")
]
Python = Annotated[str, typer.Option(help="The interpreter on the machines there.")]
Wait = Annotated[bool, typer.Option("--wait", help="Watch until the job has ended.")]
Timeout = Annotated[float, typer.Option(help="How long to wait until it runs, or has stopped, in seconds.")]

CONFIG: Final = CHECKOUT.root / "conf" / "emr.yaml"
PYTHON: Final = "python3.11"
TIMEOUT: Final = 1_200.0


@contextmanager
def site_of(stack: str, region: str | None) -> Iterator[Site]:
    """Open a platform, and say in one line, with its exit code, what a person can put right."""
    try:
        yield open_site(open_session(region), stack, Console(), CHECKOUT.root / "dist")
    except PricestreamError as error:
        typer.echo(f"submit: {line_of(error)}", err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("submit: no longer watched; what was started goes on: ./scripts/submit status", err=True)
        raise typer.Exit(130) from None
