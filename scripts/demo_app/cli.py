"""The command line of the demo."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pricestream.config import load_settings
from pricestream.errors import PricestreamError
from scripts.demo_app.options import Options, SourceName, overrides
from scripts.demo_app.place import Place, prepare
from scripts.demo_app.run import Demo
from scripts.local_env.checkout import Checkout

_CHECKOUT = Checkout(Path(__file__).resolve().parents[2])


def demo(
    file: Annotated[
        Path | None, typer.Argument(help="The recording to replay: CSV, gzip or not.", show_default=False)
    ] = None,
    source: Annotated[
        SourceName | None,
        typer.Option(help="Where the prices come from: simulated unless there is a FILE.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the simulated market.", show_default=False)] = None,
    hours: Annotated[
        float | None, typer.Option(help="How long the simulated market runs, on its own clock.", show_default=False)
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="Market seconds in one real second; 0 is as fast as it goes.", show_default=False),
    ] = None,
    coin_id: Annotated[
        str | None, typer.Option(help="What the recording prices, if it does not say.", show_default=False)
    ] = None,
    vs_currency: Annotated[
        str | None, typer.Option(help="What the recording prices it in.", show_default=False)
    ] = None,
    keep_running: Annotated[bool, typer.Option("--keep-running", help="Go on until Ctrl-C.")] = False,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the live page in the browser; it stays until Ctrl-C.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The settings file; conf/local.yaml if none is given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where everything goes; .local/demo if none is given.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Move what the last demo made aside.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings.")
    ] = None,
) -> None:
    """Run the whole system on this machine and show the bars that come out.

    Exit codes: 0 done, or stopped where it was to run until Ctrl-C; 130 cut short by Ctrl-C; 2 a wrong
    setting; 3 the price source refuses; 4 and 5 as of the producer and the job; 1 anything else.
    """
    console = Console(stderr=False)
    try:
        options = Options(
            source=source or (SourceName.REPLAY if file else SourceName.SIMULATED),
            file=file.absolute() if file else None,
            seed=seed,
            hours=hours,
            speed=speed,
            coin_id=coin_id,
            vs_currency=vs_currency,
            keep_running=keep_running,
            open_page=open_page,
            overrides=tuple(settings or ()),
        )
        is_whole = _run(options, config, out, console, keep=keep)
    except PricestreamError as error:
        sys.stderr.write(f"demo: {error}\n")
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(0 if is_whole else 130)


def _run(options: Options, config: Path | None, out: Path | None, console: Console, *, keep: bool) -> bool:
    chosen = config.absolute() if config else _CHECKOUT.root / "conf" / "local.yaml"
    root = out.absolute() if out else _CHECKOUT.local / "demo"
    # A wrong setting is told before anything is emptied or started; the address comes later.
    checked = load_settings(chosen, overrides(options, Place(root), "http://127.0.0.1"))
    with prepare(root, keep=keep) as place:
        return Demo(options, chosen, place, console).run(checked, _CHECKOUT, os.environ)
