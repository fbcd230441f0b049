"""The command line of the packaging."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pricestream.cli import line_of
from pricestream.errors import PricestreamError
from scripts.local_env.checkout import Checkout
from scripts.package_app.build import MANIFEST, Step, build
from scripts.package_app.packages import Architecture, pip_install
from scripts.package_app.source import read_source

_CHECKOUT = Checkout(Path(__file__).resolve().parents[2])

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def package(
    arch: Annotated[
        Architecture | None, typer.Option(help="Only for these machines; both if not given.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the artefact's folder goes; dist/ if not given.", show_default=False)
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Package what is not committed, too; the version says so.")
    ] = False,
) -> None:
    """Make what runs on AWS out of the commit that is checked out: dist/pricestream-VERSION/.

    In it are code.zip (the project's packages), deps-x86_64.tar.gz and deps-arm64.tar.gz (the locked packages for
    CPython 3.11 on Linux, but for Spark itself), the entries for spark-submit, and manifest.json (the version, the
    commit, a SHA-256 of each file). The same commit gives the same bytes. The last line is the folder's path.

    Exit codes: 0 made; 1 something is not committed, git or pip fails, or there is no space; 2 a wrong option;
    130 cut short by Ctrl-C.
    """
    console = Console(stderr=True, highlight=False)
    try:
        source = read_source(_CHECKOUT.root, dirty=dirty)
        place = build(
            source,
            [arch] if arch else list(Architecture),
            pip_install(_CHECKOUT.local / "package.log"),
            out.absolute() if out else _CHECKOUT.root / "dist",
            steps(console),
        )
    except (PricestreamError, OSError) as error:
        sys.stderr.write(f"package: {line_of(error)}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("package: interrupted; nothing is left of it\n")
        raise typer.Exit(130) from None
    _show(place, console)
    # This line is the interface.
    print(place)  # noqa: T201


def steps(console: Console) -> Step:
    """Give what says on a console what is under way, and then how long it took."""

    @contextmanager
    def step(what: str) -> Iterator[None]:
        started = time.monotonic()
        with console.status(f"{what} ..."):
            yield
        console.print(f"{what}: done in {time.monotonic() - started:.0f} s")

    return step


def _show(place: Path, console: Console) -> None:
    for name, digest in json.loads((place / MANIFEST).read_bytes())["files"].items():
        megabytes = (place / name).stat().st_size / 1e6
        console.print(f"{name:20} {megabytes:7.1f} MB  sha256 {digest[:16]}…", soft_wrap=True)
