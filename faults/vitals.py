"""Vitals: memory, open files, state and batch time of a running job, over time."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread

_PROC = Path("/proc")
_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Sample:
    """One look."""

    #: Since the first, in seconds.
    at: float
    #: What its processes keep in memory, in MiB; what several share counts once.
    memory_mib: float
    open_files: int
    #: What the state store takes on the disk, in MiB.
    state_mib: float
    #: How many records were sent and are no rows yet.
    lag: int
    #: How long its micro-batches of bars took, in seconds.
    batch_seconds: float


@dataclass
class Vitals:
    """Looks at a process group every two seconds, from a thread of its own; start it with ``with``."""

    group: Callable[[], int]
    state: Path
    lag: Callable[[], int]
    batch_seconds: Callable[[], float]
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self._began = time.monotonic()
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Vitals":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            members = processes(self.group())
            memory = sum(map(memory_mib_of, members))
            if memory:
                files = len(set().union(*map(_open_files, members)))
                at = time.monotonic() - self._began
                state, batch = folder_mib(self.state), self.batch_seconds()
                self.samples.append(Sample(at, memory, files, state, self.lag(), batch))

    def write(self, path: Path) -> None:
        """Write all samples as CSV."""
        lines = ["seconds,memory_mib,open_files,state_mib,lag,batch_seconds"]
        lines += [
            f"{each.at:.0f},{each.memory_mib:.0f},{each.open_files},{each.state_mib:.2f},{each.lag},"
            f"{each.batch_seconds:.3f}"
            for each in self.samples
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def thirds(self, what: str) -> tuple[float, float]:
        """Give the median of a figure in the second and in the last third: in the first it warms up."""
        values = [float(getattr(each, what)) for each in self.samples]
        third = max(1, len(values) // 3)
        return median(values[third : 2 * third] or values), median(values[-third:])


def processes(group: int) -> list[int]:
    """Find the processes of a session: what a group's first process has started, in whatever group that is."""
    found = []
    for each in _PROC.iterdir():
        if each.name.isdigit():
            try:
                # The name in brackets may hold anything; the session is the fourth field behind it.
                fields = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == group:
                found.append(int(each.name))
    return found


def folder_mib(folder: Path) -> float:
    """Add up the files below a folder, in MiB; some may go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total / 2**20


def memory_mib_of(process: int) -> float:
    """Tell what a process keeps in memory, in MiB, its part of what it shares with others; 0 once it is gone."""
    # A JVM that starts a program is there twice for a moment, with the same memory and the same files.
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _open_files(process: int) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for each in (_PROC / str(process) / "fd").iterdir():
            # One that was closed meanwhile is none.
            with suppress(OSError):
                found.add(str(each.readlink()))
    return found
