"""First command: what a person waits for who clones the project onto a fresh machine and runs the demo."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, Benchmark, emptied
from benchmarks.checkout import ROOT
from benchmarks.errors import BenchmarkError
from benchmarks.figure import figure_of
from benchmarks.fresh_machine import fresh_environment
from benchmarks.network import received_bytes
from benchmarks.result import Measured, Result
from scripts.demo_app.child import Child
from scripts.demo_app.errors import ChildDiedError

_RUNS: Final = 3
_PATIENCE_SECONDS: Final = 3_600.0
_LOOK_SECONDS: Final = 0.05
_MEGABYTE: Final = 1_000_000

#: What there is to see below the clone's ``.local/demo``, and when: its first file is the end of the setup.
_DEMO_BEGINS: Final = "the demo begins, all is set up"
_FIRST_FILE: Final = "the first CSV file"
_SIGNS: Final = {_DEMO_BEGINS: ".made-by-the-demo", _FIRST_FILE: "csv/*/*/*/*.csv"}
_CLONED: Final = "cloned"
_ENDED: Final = "the demo has ended"
#: As the setup says it of each of its steps, in whole seconds.
_STEP: Final = re.compile(r"^\[\d+/\d+\] (.+?) \.\.\. done in (\d+) s$", re.MULTILINE)

_NOTES: Final = (
    "Each run downloads everything, so there are fewer of them than in other benchmarks",
    "The clone is of the last commit, from this disk; Python 3.11 and git are there already",
    "Received is what all interfaces but loopback took in: what others on the machine download is in it",
)


@dataclass(frozen=True)
class FirstRun:
    """One first run."""

    #: Seconds from the start of the clone, by what was reached then.
    moments: Mapping[str, float]
    #: Seconds of each step of the setup.
    steps: Mapping[str, float]
    #: By everything on this machine; None where the system does not tell.
    downloaded_mb: float | None
    #: What the checkout takes in the end.
    disk_mb: float
    csv_files: int


def run_first(bench: Bench) -> Result:
    """Clone, run the demo without a cache and without Java, and look what is there when.

    Raises:
        BenchmarkError: the clone or the demo fails, or there is no CSV file.
    """
    count = 1 if bench.is_quick else _RUNS
    result = Result("first", FIRST.what, {"runs": count})
    runs = []
    for number in range(count):
        bench.say(f"run {number + 1} of {count}")
        runs.append(_run_once(bench))
        result.checked.append(f"run {number + 1}: the demo ended with 0 and {runs[-1].csv_files} CSV files")
    _report(result, runs)
    return result


def _report(result: Result, runs: list[FirstRun]) -> None:
    def add(setting: str, name: str, values: list[float], unit: str) -> None:
        result.measured.append(Measured(setting, name, figure_of(values), unit))

    for name in (_CLONED, *_SIGNS, _ENDED):
        add("since the start", name, [each.moments[name] for each in runs], "s")
    for name in runs[0].steps:
        add("a step of the setup", name, [each.steps[name] for each in runs], "s")
    downloaded = [each.downloaded_mb for each in runs if each.downloaded_mb is not None]
    if downloaded:
        add("received", "the whole machine", downloaded, "MB")
    add("on the disk", "the checkout", [each.disk_mb for each in runs], "MB")
    result.notes += list(_NOTES)


def _run_once(bench: Bench) -> FirstRun:
    clone = emptied(bench.place / "clone")
    environ = fresh_environment(bench.place / "machine", os.environ)
    log = bench.place / "first.log"
    log.unlink(missing_ok=True)
    received, began = received_bytes(), time.monotonic()
    moments: dict[str, float] = {}
    # By its protocol: a plain path would share the files of this checkout.
    git = Child("clone", ["git", "clone", ROOT.as_uri(), clone], log=log, environ=environ, cwd=clone)
    _follow(git, {}, began, moments)
    moments[_CLONED] = time.monotonic() - began
    place = clone / ".local" / "demo"
    demo = Child("demo", [clone / "scripts" / "demo"], log=log, environ=environ, cwd=clone)
    _follow(demo, {name: (place, pattern) for name, pattern in _SIGNS.items()}, began, moments)
    moments[_ENDED] = time.monotonic() - began
    received_then = received_bytes()
    if lacking := [name for name in _SIGNS if name not in moments]:
        raise BenchmarkError(f"the demo has ended without {lacking[0]}; see {log}")
    steps = {name: float(seconds) for name, seconds in _STEP.findall(log.read_text(encoding="utf-8"))}
    mb = None if received is None or received_then is None else (received_then - received) / _MEGABYTE
    files = len(list(place.glob(_SIGNS[_FIRST_FILE])))
    return FirstRun(moments, steps, mb, disk_bytes(clone) / _MEGABYTE, files)


def _follow(child: Child, signs: Mapping[str, tuple[Path, str]], began: float, moments: dict[str, float]) -> None:
    """Follow a process to its end, and note when each sign is there first.

    Raises:
        BenchmarkError: it fails, or goes on for an hour.
    """

    def look() -> None:
        for name, (folder, pattern) in signs.items():
            if name not in moments and any(folder.glob(pattern)):
                moments[name] = time.monotonic() - began

    try:
        while not child.has_ended(_LOOK_SECONDS):
            look()
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise BenchmarkError(f"the {child.name} does not end; see {child.log}")
        look()
        child.check(may_end=True)
    except ChildDiedError as error:
        raise BenchmarkError(str(error)) from None
    finally:
        child.end()


def disk_bytes(folder: Path) -> int:
    """Add up what a folder takes on the disk; a file with two names counts once, a link not at all."""
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        found = path.lstat()
        if path.is_file() and not path.is_symlink():
            # In blocks of 512 bytes, whatever the disk's own are.
            sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


FIRST: Final = Benchmark(
    "first", "git clone and ./scripts/demo on a fresh machine: an empty home, no cache, no Java", run_first
)
