"""The command line of the notebooks."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from explore.local_stream import hold_lake
from explore.place import CONFIG, LAKE, SETS, SOURCE, find_place
from pricestream.errors import PricestreamError, SettingsError
from scripts.demo_app.closing import shown
from scripts.demo_app.environment import child_environment
from scripts.local_env.checkout import Checkout
from scripts.notebook_app.git_filter import strip_on_add
from scripts.notebook_app.lab import run_lab
from scripts.notebook_app.stream import stand_in_of

_CHECKOUT: Final = Checkout(Path(__file__).resolve().parents[2])


def notebook(
    source: Annotated[str, typer.Option(help="Where prices come from: simulated or coingecko.")] = "simulated",
    lake: Annotated[
        Path | None,
        typer.Option(help="Look at the lake in this folder, such as .local/demo, and keep it.", show_default=False),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(help="A settings file of your own, with its stream and lake; no stand-in.", show_default=False),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Move what the notebooks made last time aside.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings.")
    ] = None,
    port: Annotated[int, typer.Option(help="Of JupyterLab, or the next one that is free.")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")] = True,
) -> None:
    """Start JupyterLab on loopback with the notebooks and all that they need, until Ctrl-C.

    What they write goes to .local/notebook, which is emptied at the start, since the stand-in's stream ends with it.

    Exit codes: 0 stopped, 2 a wrong setting, 5 the folder is in use, 1 anything else.
    """
    told = {SOURCE: source, SETS: "\n".join(settings or ())}
    if config:
        told[CONFIG] = config if "://" in config else str(Path(config).absolute())
    try:
        if config and lake:
            raise SettingsError("--lake goes with the project's own settings; with --config the file says where it is")
        # A wrong setting is told before anything is emptied or started.
        find_place(environ=os.environ | told)
        _run(told, lake, Console(stderr=False), keep=keep, port=port, browser=browser)
    except PricestreamError as error:
        sys.stderr.write(f"notebook: {error}\n")
        raise typer.Exit(error.exit_code) from None


def _run(told: dict[str, str], lake: Path | None, console: Console, *, keep: bool, port: int, browser: bool) -> None:
    environ = dict(os.environ) | told
    if CONFIG not in told:
        # Nothing in it reaches an AWS account.
        environ = child_environment(os.environ, _CHECKOUT.spark_home, _CHECKOUT.python) | told
    environ["PYTHONPATH"] = str(_CHECKOUT.root)
    with ExitStack() as held:
        if lake is not None:
            environ[LAKE] = str(lake.absolute())
        elif CONFIG not in told:
            folder = held.enter_context(hold_lake(_CHECKOUT.local / "notebook", keep=keep))
            environ[LAKE] = str(folder.root)
            held.enter_context(stand_in_of(folder, environ, _CHECKOUT))
        strip_on_add(_CHECKOUT.root)
        console.print(
            f"What the notebooks write goes to {shown(Path(environ[LAKE]))}." if LAKE in environ else "",
            "Ctrl-C stops.",
            highlight=False,
            soft_wrap=True,
        )
        run_lab(_CHECKOUT, environ, port=port, browser=browser)
