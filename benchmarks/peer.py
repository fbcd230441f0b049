"""Peer: another program for the same work, in an environment of its own below ``.local/bench``."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.checkout import ROOT
from benchmarks.command import run
from benchmarks.errors import BenchmarkError, PeerError

_STAMP: Final = "bench.json"
_PATIENCE_SECONDS: Final = 900


@dataclass(frozen=True)
class Peer:
    """One that is measured beside us."""

    #: Names its lock file, ``requirements/bench-NAME.txt``, and its environment.
    name: str
    #: The package whose version is stated.
    package: str

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return ROOT / ".local" / "bench" / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def lock_file(self) -> Path:
        """What is installed, by hash."""
        return ROOT / "requirements" / f"bench-{self.name}.txt"

    def install(self, log: Path) -> str:
        """Make its environment, unless it is there as locked. Returns the version.

        Raises:
            PeerError: that cannot be done here.
        """
        locked = hashlib.sha256(self.lock_file.read_bytes()).hexdigest()
        stamp = self.folder / _STAMP
        if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8"))["locked"] != locked:
            self._make(log)
            stamp.write_text(json.dumps({"locked": locked}) + "\n", encoding="utf-8")
        return self._version(log)

    def script(self, name: str, *arguments: object) -> list[object]:
        """Give the command that runs one of the scripts in ``benchmarks/peers``."""
        return [self.python, "-I", ROOT / "benchmarks" / "peers" / name, *arguments]

    def _make(self, log: Path) -> None:
        try:
            run([sys.executable, "-I", "-m", "venv", "--clear", self.folder], log)
            pip = [self.python, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            run([*pip, "--require-hashes", "--no-deps", "-r", self.lock_file], log, seconds=_PATIENCE_SECONDS)
        except (BenchmarkError, subprocess.TimeoutExpired) as error:
            raise PeerError(f"{self.name} cannot be installed: {error}") from None

    def _version(self, log: Path) -> str:
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        try:
            return run([self.python, "-I", "-c", code], log).strip()
        except BenchmarkError as error:
            raise PeerError(f"{self.name} does not run: {error}") from None


def install_all(peers: Sequence[Peer], log: Path) -> tuple[list[Peer], dict[str, str], dict[str, str]]:
    """Install peers. Gives those that are there, their versions, and why the others are not, both by name."""
    there: list[Peer] = []
    versions: dict[str, str] = {}
    absent: dict[str, str] = {}
    for peer in peers:
        try:
            versions[peer.name] = peer.install(log)
            there.append(peer)
        except PeerError as error:
            absent[peer.name] = str(error)
    return there, versions, absent
