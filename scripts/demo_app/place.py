"""The folder that a demo works in."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.demo_app.errors import DemoError

_MARKER: Final = ".made-by-the-demo"


@dataclass(frozen=True, slots=True)
class Place:
    """Where each part of a demo keeps what it makes, all below ``root``."""

    root: Path

    @property
    def producer(self) -> Path:
        """The producer's state."""
        return self.root / "producer"

    @property
    def ticks(self) -> Path:
        """The Delta table of ticks."""
        return self.root / "ticks"

    @property
    def bars(self) -> Path:
        """The Delta table of bars."""
        return self.root / "bars"

    @property
    def csv(self) -> Path:
        """The CSV tree."""
        return self.root / "csv"

    @property
    def checkpoint(self) -> Path:
        """The job's checkpoints."""
        return self.root / "checkpoint"

    @property
    def report(self) -> Path:
        """The page that the job writes as it stops."""
        return self.root / "report.html"

    @property
    def stop_file(self) -> Path:
        """The job stops when this appears."""
        return self.root / "STOP"

    @property
    def status_file(self) -> Path:
        """Where the job says how far it is."""
        return self.root / "status.json"

    @property
    def summary_file(self) -> Path:
        """Where the producer says how far it is."""
        return self.producer / "summary.json"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.root / "logs" / f"{name}.log"


@contextmanager
def prepare(root: Path, *, keep: bool) -> Iterator[Place]:
    """Make an empty folder for a demo, and hold it while the demo runs.

    Only a folder that bears the demo's mark is ever emptied.

    Args:
        root: the folder; what an earlier demo left in it goes away.
        keep: move an earlier demo aside, to ``root-1``, ``root-2`` and so on, instead.

    Raises:
        DemoError: the folder holds something that is not a demo's, or another demo is at work in it.
    """
    with ExitStack() as held:
        try:
            _prepare(root, held, keep=keep)
        except OSError as error:
            raise DemoError(f"{root}: cannot be used: {error.strerror or error}") from error
        yield Place(root)


def _prepare(root: Path, held: ExitStack, *, keep: bool) -> None:
    marker = root / _MARKER
    if keep and marker.exists():
        with _held(marker):
            root.rename(_free_name(root))
    if root.exists() and not marker.exists() and any(root.iterdir()):
        raise DemoError(f"{root} is not empty and was not made by the demo; choose another folder with --out")
    root.mkdir(parents=True, exist_ok=True)
    held.enter_context(_held(marker))
    _empty(root)
    (root / "logs").mkdir()


@contextmanager
def _held(marker: Path) -> Iterator[None]:
    with marker.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another demo is at work in {marker.parent}; stop it, or choose another folder with --out"
            raise DemoError(message) from None
        yield


def _empty(root: Path) -> None:
    for entry in root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARKER:
            entry.unlink()


def _free_name(root: Path) -> Path:
    number = 1
    while (candidate := root.with_name(f"{root.name}-{number}")).exists():
        number += 1
    return candidate
