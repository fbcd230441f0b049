"""Bench: what a benchmark is told, and where it works."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import Result


@dataclass(frozen=True)
class Bench:
    """One run of benchmarks."""

    #: Everything that is made on the way; a folder of its own for each benchmark.
    place: Path
    #: Fewer ticks and fewer rounds.
    is_quick: bool
    #: Is told how far it is.
    say: Callable[[str], None]

    @property
    def rounds(self) -> int:
        """How often each contender runs."""
        return 3 if self.is_quick else 5

    @property
    def log(self) -> Path:
        """What the programs say that it runs."""
        return self.place / "programs.log"


@dataclass(frozen=True)
class Benchmark:
    """A benchmark that can be named."""

    name: str
    #: What is measured, in a line.
    what: str
    run: Callable[[Bench], Result]


def emptied(folder: Path) -> Path:
    """Make a folder anew, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
