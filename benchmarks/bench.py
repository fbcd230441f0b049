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
    #: How many ticks, of what takes any number; None leaves it to the benchmark.
    ticks: int | None = None
    #: How often each contender runs; None leaves it to the benchmark.
    runs: int | None = None

    @property
    def rounds(self) -> int:
        """How often each contender runs."""
        return self.runs or (3 if self.is_quick else 5)

    def size(self, usual: int, quick: int) -> int:
        """How many ticks there are, where the benchmark takes so many unless it is told otherwise."""
        return self.ticks or (quick if self.is_quick else usual)

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
    #: It takes any number of ticks, and of runs.
    is_scalable: bool = False


def emptied(folder: Path) -> Path:
    """Make a folder anew, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
