"""The command line of the status."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pricestream.cli import line_of
from pricestream.config import load_settings
from pricestream.errors import PricestreamError, SettingsError
from scripts.local_env.checkout import Checkout
from scripts.platform.session import open_session
from scripts.status_app.health import Health, document_of
from scripts.status_app.local import look_here
from scripts.status_app.platform import look_there
from scripts.status_app.screen import show
from scripts.submit_app.site import open_site

_CHECKOUT = Checkout(Path(__file__).resolve().parents[2])
_UNHEALTHY = 8


def status(
    config: Annotated[
        Path | None,
        typer.Option(help="A system on this machine: its settings file; conf/local.yaml if nothing is given."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings.")
    ] = None,
    stack: Annotated[str | None, typer.Option(help="A system on AWS: the stack of ./scripts/deploy.")] = None,
    region: Annotated[
        str | None, typer.Option(help="Where the stack is; that of your AWS set-up if none is given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say how a running system is, and what is wrong with it. Nothing is changed.

    What is too old is worked out from the settings: how often there is a poll, and how long a window is. A part that
    is missing, or that you may not look at, is said; the others are looked at all the same.

    Exit codes: 0 healthy, 8 something is wrong, 2 a wrong setting, 7 AWS refuses or there is no such stack.
    """
    try:
        health = _look(config, settings or [], stack, region)
    except PricestreamError as error:
        typer.echo(f"status: {line_of(error)}", err=True)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        sys.stdout.write(json.dumps(document_of(health), indent=1) + "\n")
    else:
        show(health, Console())
    raise typer.Exit(0 if health.is_healthy else _UNHEALTHY)


def _look(config: Path | None, overrides: list[str], stack: str | None, region: str | None) -> Health:
    now_ms = time.time_ns() // 1_000_000
    if stack is None:
        if region is not None:
            raise SettingsError("--region goes with --stack; a system on this machine is named by --config")
        return look_here(load_settings(config or _CHECKOUT.root / "conf" / "local.yaml", overrides), now_ms)
    if config is not None or overrides:
        raise SettingsError("--stack and --config are two systems; give one of them")
    return look_there(open_site(open_session(region), stack, Console(), _CHECKOUT.root / "dist"), now_ms)
