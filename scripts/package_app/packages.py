"""Packages: what a cluster needs beside its own Spark, as pip lays it into a folder, for a machine of its own kind."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

from scripts.package_app.errors import PackageError

#: The minor versions of glibc whose wheels run there, the newest first: EMR 7 has 2.34.
_GLIBC: Final = range(34, 16, -1)
#: What pip adds and nobody needs there: it names paths of this machine, or what was left out.
_NOTES: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
#: What wheels bring along and no job reads: a sixth of the whole. Arrow Flight is a network protocol.
_LEFT_OUT: Final = (
    "bin/",
    "share/",
    "pandas/tests/",
    "plotly/labextension/",
    "pyarrow/_flight.",
    "pyarrow/include/",
    "pyarrow/libarrow_flight.",
    "pyarrow/libarrow_python_flight.",
    "pyarrow/src/",
    "pyarrow/tests/",
)


class Architecture(StrEnum):
    """Of a machine on AWS."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """What Linux and the names of wheels call it."""
        return "aarch64" if self is Architecture.ARM64 else "x86_64"


#: Lays the packages of a lock file into a folder.
Install = Callable[[Path, Architecture, Path], None]


def pip_install(log: Path) -> Install:
    """Give what installs with pip, whose words go to ``log``."""

    def install(lock: Path, architecture: Architecture, into: Path) -> None:
        # The lock file is whole: pip only fetches, and sees to the hashes. It builds nothing.
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "--no-compile", "--only-binary", ":all:"]
        command += ["--python-version", "3.11", "--implementation", "cp", *_platforms(architecture)]
        command += ["--target", str(into), "--requirement", str(lock)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w+b") as said:
            done = subprocess.run(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, check=False
            )
            said.seek(0)
            text = said.read().decode(errors="replace")
        if done.returncode:
            raise PackageError(
                f"pip cannot get the packages for {architecture}: {_reason(text)}; all of it is in {log}"
            )

    return install


def wanted(folder: Path) -> list[str]:
    """Name the files of installed packages that go into the archive, by their paths in ``folder``."""
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if _is_wanted(name))


def _is_wanted(name: str) -> bool:
    *folders, last = name.split("/")
    is_note = last in _NOTES and bool(folders) and folders[0].endswith(".dist-info")
    return not (name.startswith(_LEFT_OUT) or is_note or "__pycache__" in folders or last.endswith(".pyc"))


def _platforms(architecture: Architecture) -> Iterable[str]:
    names = [f"manylinux_2_{minor}" for minor in _GLIBC] + ["manylinux2014"]
    for name in names:
        yield from ("--platform", f"{name}_{architecture.machine}")


def _reason(text: str) -> str:
    """Find the line of pip that says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines[-1:] or ["it says nothing"])[0]
