"""The command line: what is submitted, and what is done with it afterwards."""

from typing import Annotated

import typer

from scripts.platform.stack import STACK
from scripts.submit_app import batch
from scripts.submit_app.artefact import find_artefact, upload
from scripts.submit_app.logs import find_run, print_logs
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
from scripts.submit_app.producer import Producer
from scripts.submit_app.settings import job_settings, producer_settings
from scripts.submit_app.start import Patience, start
from scripts.submit_app.status import print_status
from scripts.submit_app.stop import cancel, stop_stream
from scripts.submit_app.work import Kind, Work

# Without the pretty traceback, which prints the values of variables.
app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Ship the artefact to a platform, start jobs and producer there, and stop them. Without a subcommand: stream.",
)


@app.command()
def stream(
    stack: Stack = STACK,
    region: Region = None,
    config: Config = CONFIG,
    overrides: Sets = None,
    package: Package = None,
    python: Python = PYTHON,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT,
    replace: Annotated[
        bool, typer.Option("--replace", help="Stop a stream of another version, or of other settings, first.")
    ] = False,
    no_producer: Annotated[bool, typer.Option("--no-producer", help="Leave the producer alone.")] = False,
) -> None:
    """Start the streaming job and the producer, where they do not run yet, and follow them until they do.

    A stream that runs already with this version and these settings is followed, not started twice, and that is
    no error; one with others is, unless --replace stops it first.

    Exit codes: 0 it runs, or with --wait has ended in good order; 1 it ended otherwise; 2 a wrong setting;
    7 AWS refuses, something is missing there, or another stream runs; 130 no longer watched, after Ctrl-C.
    """
    with site_of(stack, region) as site:
        checked = job_settings(site.platform, config, overrides or ())
        of_producer = producer_settings(site.platform, config, overrides or ())
        artefact = find_artefact(site.dist, package, site.platform.architecture)
        conf = checked.settings.job.spark.conf
        work = Work(stack, Kind.STREAM, artefact.version, checked.digest, conf=conf, python=python)
        start(site, work, artefact, checked, Patience(timeout), replace=replace)
        if not no_producer:
            Producer(site).start(artefact, of_producer, patience_seconds=timeout)
        if wait:
            # It runs by now, and is followed to its end.
            start(site, work, artefact, checked, Patience(timeout, to_the_end=True))


@app.command()
def producer(
    stack: Stack = STACK,
    region: Region = None,
    config: Config = CONFIG,
    overrides: Sets = None,
    package: Package = None,
    timeout: Timeout = TIMEOUT,
    restart: Annotated[bool, typer.Option("--restart", help="Also where it runs already.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop it.")] = False,
) -> None:
    """Start the producer with this version and these settings, or stop it.

    Exit codes: 0 done; 2 a wrong setting; 7 AWS refuses, or it does not run; 130 no longer watched, after Ctrl-C.
    """
    with site_of(stack, region) as site:
        if stop:
            Producer(site).stop(patience_seconds=timeout)
            return
        checked = producer_settings(site.platform, config, overrides or ())
        artefact = find_artefact(site.dist, package, site.platform.architecture)
        upload(site, artefact)
        Producer(site).start(artefact, checked, patience_seconds=timeout, restart=restart)


@app.command()
def status(stack: Stack = STACK, region: Region = None) -> None:
    """Say what was submitted, and how far it is.

    Exit codes: 0; 7 AWS refuses, or there is no such stack.
    """
    with site_of(stack, region) as site:
        print_status(site)


@app.command()
def stop(
    kind: Annotated[Kind, typer.Argument(help="What to stop; a batch job has no good order, and needs --force.")] = (
        Kind.STREAM
    ),
    stack: Stack = STACK,
    region: Region = None,
    force: Annotated[bool, typer.Option("--force", help="Do not wait for the end of what it does.")] = False,
    timeout: Timeout = TIMEOUT,
) -> None:
    """Stop a job, and wait until it has ended; the producer goes on (see producer --stop).

    The stream finishes what it has read, once its stop file is in the lake. It is removed again at the end, also by
    the next start.

    Exit codes: 0 it has ended, or did not run; 7 AWS refuses, or it still runs after --timeout.
    """
    with site_of(stack, region) as site:
        if kind is Kind.STREAM:
            stop_stream(site, patience_seconds=timeout, force=force)
        elif force:
            cancel(site, kind, patience_seconds=timeout)
        else:
            batch.refuse_to_stop(kind)


@app.command()
def logs(
    kind: Annotated[Kind, typer.Argument(help="Whose newest log.")] = Kind.STREAM,
    stack: Stack = STACK,
    region: Region = None,
    run: Annotated[str | None, typer.Option("--run", help="Of this run, instead of the newest.")] = None,
    lines: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines of each.")] = 100,
) -> None:
    """Print what the driver of a job has said last, and say where it is.

    Exit codes: 0; 7 there is none yet, or AWS refuses.
    """
    with site_of(stack, region) as site:
        print_logs(site, find_run(site, kind, run), lines)


batch.add_to(app)


def main(arguments: list[str], prog_name: str = "./scripts/submit") -> None:
    """Run a command line; one without a subcommand is that of the stream."""
    commands = {each.name or (each.callback.__name__ if each.callback else "") for each in app.registered_commands}
    is_whole = bool(arguments) and (arguments[0] in commands or arguments[0] == "--help")
    app(arguments if is_whole else ["stream", *arguments], prog_name=prog_name)
