"""The command line of the live page."""

import json
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from dashboard.feed import Feed
from dashboard.guard import LOOPBACK_HOSTS
from dashboard.lake import Lake
from dashboard.page import make_app
from dashboard.places import open_small_file, open_tree
from dashboard.serve import PageServer
from jobs.storage import S3_SCHEMES
from pricestream.cli import exit_code_of, start_logging
from pricestream.config import load_settings
from pricestream.settings import Settings

_DISK_SECONDS: Final = 2.0
#: Each look is a dozen calls, and each call has its price.
_S3_SECONDS: Final = 15.0
_CONFIG: Final = Path(__file__).resolve().parents[1] / "conf" / "local.yaml"


def dashboard(
    config: Annotated[Path, typer.Option(help="The settings file.", show_default="conf/local.yaml")] = _CONFIG,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a value over the settings.")
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|S3://…",
            help="The CSV tree, instead of job.csv; status.json is looked for beside it.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 is any that is free.")] = 0,
    host: Annotated[
        str, typer.Option(help="The address to listen on. Whoever reaches another one than loopback sees the page.")
    ] = "127.0.0.1",
    every: Annotated[
        float | None,
        typer.Option(min=0.2, max=3_600, help="Seconds between looks: 2 on a disk, 15 on S3.", show_default=False),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show prices, candles and the pipeline's health in the browser, as bars are published. It only reads.

    Exit codes: 0 ended by Ctrl-C; 1 the port is taken; 2 a wrong setting; 5 the bars cannot be read.
    """
    start_logging()

    def work() -> None:
        known = load_settings(config, [*_beside(csv), *(settings or [])])
        server = PageServer(make_app(_feed(known, every), hosts_of(host)), host, port)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{server.port}/"
        if host not in LOOPBACK_HOSTS:
            _say(f"warning: everybody who reaches {host} can see this page; there is no password", to_error=True)
        _say(f"{url}  shows {known.job.csv}; Ctrl-C ends it")
        if open_page:
            webbrowser.open(url)
        server.run()

    raise typer.Exit(exit_code_of(work))


def hosts_of(host: str) -> tuple[str, ...]:
    """Give the names by which a page that listens on an address may be asked for."""
    return LOOPBACK_HOSTS if host in LOOPBACK_HOSTS else (*LOOPBACK_HOSTS, host.lower())


def _beside(csv: str | None) -> list[str]:
    """Lay a tree of its own, and the status beside it, over the settings."""
    if csv is None:
        return []
    folder = csv.rstrip("/").rpartition("/")[0]
    status = f"{folder}/status.json" if folder or csv.startswith("/") else "status.json"
    # JSON is YAML, so that no path is taken for anything else.
    return [f"job.csv={json.dumps(csv)}", f"job.status_file={json.dumps(status)}"]


def _feed(settings: Settings, every: float | None) -> Feed:
    job, region = settings.job, settings.stream.region
    tree = open_tree(job.csv, job.s3, region)
    # What cannot be read at all is told here, and not on a page.
    tree.intervals()
    status = open_small_file(job.status_file, job.s3, region)
    status.read()
    is_on_s3 = urlsplit(job.csv).scheme in S3_SCHEMES
    seconds = every if every is not None else _S3_SECONDS if is_on_s3 else _DISK_SECONDS
    return Feed(Lake(tree), status, tuple(settings.producer.coins), seconds)


def _say(text: str, *, to_error: bool = False) -> None:
    stream = sys.stderr if to_error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()
