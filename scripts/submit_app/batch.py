"""Batch: the subcommands of the jobs that end by themselves; their options are those of the entries in ``jobs/``."""

from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import urlsplit

import typer

from pricestream.errors import SettingsError
from pricestream.settings import Settings
from scripts.platform.stack import STACK
from scripts.submit_app.artefact import find_artefact
from scripts.submit_app.options import (
    CONFIG,
    PYTHON,
    TIMEOUT,
    Config,
    Package,
    Python,
    Region,
    Sets,
    Stack,
    Timeout,
    Wait,
    site_of,
)
from scripts.submit_app.settings import job_settings
from scripts.submit_app.start import Patience, start
from scripts.submit_app.work import Kind, Work

First = Annotated[str, typer.Option("--from", help="The first day, UTC, such as 2026-01-01.")]
End = Annotated[str, typer.Option("--to", help="The day behind the last one.")]
Alone = Annotated[bool, typer.Option("--alone", help="The stream does not run, whatever its status file says.")]


def add_to(app: typer.Typer) -> None:
    """Add the subcommands."""
    for command in (backfill, audit, maintain):
        app.command()(command)


def backfill(
    first: First,
    end: End,
    source: Annotated[
        Literal["ticks", "coingecko", "files"], typer.Option(help="What is there already, the API, or files on S3.")
    ] = "ticks",
    path: Annotated[str | None, typer.Option(help="Files of ticks or candles on S3: a file, folder or glob.")] = None,
    coins: Annotated[list[str] | None, typer.Option(help="Only this coin; may be given several times.")] = None,
    coin_id: Annotated[str | None, typer.Option(help="Whose prices the files hold, where they do not say.")] = None,
    vs_currency: Annotated[str | None, typer.Option(help="In which currency, where they do not say.")] = None,
    candle_interval: Annotated[str | None, typer.Option(help="How long the candles are, if it does not show.")] = None,
    candle_stamp: Annotated[Literal["start", "end"], typer.Option(help="Which end a candle's time is.")] = "start",
    include_late: Annotated[bool, typer.Option("--include-late", help="Take in late ticks, too.")] = False,
    alone: Alone = False,
    stack: Stack = STACK,
    region: Region = None,
    config: Config = CONFIG,
    overrides: Sets = None,
    package: Package = None,
    python: Python = PYTHON,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
) -> None:
    """Make the bars and files of a range anew, beside the stream; with a source, take history in first.

    The very same backfill is not started twice while it runs. See docs/history.md for what each option does.

    Exit codes: 0 it runs, or with --wait is done; 1 it failed; 2 a wrong setting; 7 AWS refuses, or something is
    missing there; 130 no longer watched, after Ctrl-C.
    """
    given = {
        "from": first,
        "to": end,
        "source": source,
        "path": path,
        "coin-id": coin_id,
        "vs-currency": vs_currency,
        "candle-interval": candle_interval,
        "candle-stamp": candle_stamp if source == "files" else None,
    }
    arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
    arguments += [f"--coins={coin}" for coin in coins or ()]
    arguments += ["--include-late"] * include_late + ["--alone"] * alone
    if path is not None and urlsplit(path).scheme not in ("s3", "s3a"):
        _refuse(f"--path {path} is no file on S3, and the machines there have no other")
    _run(Kind.BACKFILL, arguments, stack, region, config, overrides, package, python, Patience(timeout, wait), source)


def audit(
    first: Annotated[str | None, typer.Option("--from", help="The first UTC date, such as 2026-01-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The first date left out.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is found, then look again.")] = False,
    alone: Alone = False,
    stack: Stack = STACK,
    region: Region = None,
    config: Config = CONFIG,
    overrides: Sets = None,
    package: Package = None,
    python: Python = PYTHON,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
) -> None:
    """Prove that nothing is missing; the findings are in audit.json, beside the status file.

    Exit codes: 0 it runs, or with --wait all holds; 1 something is missing or differs, or it failed (see logs audit);
    2 a wrong setting; 7 AWS refuses, or something is missing there; 130 no longer watched, after Ctrl-C.
    """
    arguments = [f"--{name}={value}" for name, value in (("from", first), ("to", end)) if value is not None]
    arguments += ["--repair"] * repair + ["--alone"] * alone
    _run(Kind.AUDIT, arguments, stack, region, config, overrides, package, python, Patience(timeout, wait))


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, in its log.")] = False,
    alone: Alone = False,
    stack: Stack = STACK,
    region: Region = None,
    config: Config = CONFIG,
    overrides: Sets = None,
    package: Package = None,
    python: Python = PYTHON,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
) -> None:
    """Tidy the tables, which the stream does once a day by itself.

    Exit codes: 0 it runs, or with --wait is done; 1 it failed; 2 a wrong setting; 7 AWS refuses, or something is
    missing there; 130 no longer watched, after Ctrl-C.
    """
    arguments = ["--dry-run"] * dry_run + ["--alone"] * alone
    _run(Kind.MAINTAIN, arguments, stack, region, config, overrides, package, python, Patience(timeout, wait))


def refuse_to_stop(kind: Kind) -> NoReturn:
    """Say why a batch job is not stopped."""
    _refuse(f"a {kind} ends by itself; wait for it, or end it in the midst with --force")


def _run(
    kind: Kind,
    arguments: list[str],
    stack: str,
    region: str | None,
    config: Path,
    overrides: list[str] | None,
    package: Path | None,
    python: str,
    patience: Patience,
    source: str = "ticks",
) -> None:
    with site_of(stack, region) as site:
        checked = job_settings(site.platform, config, overrides or ())
        if source == "coingecko":
            _refuse_plan_with_key(checked.settings)
        artefact = find_artefact(site.dist, package, site.platform.architecture)
        conf = checked.settings.job.spark.conf
        work = Work(stack, kind, artefact.version, checked.digest, tuple(arguments), conf, python)
        start(site, work, artefact, checked, patience)


def _refuse_plan_with_key(settings: Settings) -> None:
    """A key on a command line, or in a setting of Spark, could be read by others; the job there has none."""
    plan = settings.producer.coingecko.plan
    if plan != "keyless":
        raise SettingsError(
            f"the jobs on EMR have no CoinGecko key, and producer.coingecko.plan is {plan}; say "
            "--set producer.coingecko.plan=keyless, or fetch from a machine that has the key"
        )


def _refuse(text: str) -> NoReturn:
    typer.echo(f"submit: {text}", err=True)
    raise typer.Exit(SettingsError.exit_code)
