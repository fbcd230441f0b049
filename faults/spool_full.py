"""The disk is full below the spool: at a random write, and on a small filesystem that really has no room."""

import errno
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Final, TypeVar

from faults.die_at import DeathTrap
from faults.drill import Drill, Outcome, Task
from faults.producer_parts import RealTime, StreamInMemory, run_loop, settings_of
from faults.producer_process import replay_of, write_recording
from faults.stream_content import Content, TickKey
from pricestream.errors import StorageError
from producer import sink
from producer.replay import ReplaySource
from producer.spool import Record

T = TypeVar("T")

_ROWS: Final = 400
#: Less than what the recording's ticks take, and more than an empty spool.
_SMALL_BYTES: Final = 64 * 1024


class FullDisk(DeathTrap):
    """From its nth write on, nothing can be written below a folder any more; of that one half gets through."""

    def __init__(self, below: Path, *, write: int | None) -> None:
        """Leave room for all writes before number ``write``; None leaves room for ever."""
        super().__init__(below, call=write, die=lambda _: None)
        #: How many writes found no room.
        self.refused = 0

    def perform(self, kind: str, act: Callable[[], T], part: Callable[[], object] | None = None) -> T:
        """Carry a call out, unless it needs room."""
        if kind not in ("write", "pwrite"):
            return act()
        self.calls[kind] += 1
        if self._call is None or self.calls.total() < self._call:
            return act()
        self.refused += 1
        if part is not None and self.refused == 1:
            part()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class OutOfReach:
    """A stream that nobody reaches, so that everything stays in the spool."""

    def prepare(self, *, create: bool) -> str:  # noqa: ARG002 - it is not there
        """Something stands in the way."""
        return "out of reach"

    def put(self, records: list[Record], stop: Event) -> sink.Outcome:  # noqa: ARG002 - nothing to stop
        """Take nothing."""
        return sink.Outcome(records, "out of reach", reachable=False)


class _Producer:
    """A producer in this process, started again and again on one folder."""

    def __init__(self, task: Task, name: str) -> None:
        self.folder = task.place / name
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.stream = StreamInMemory()
        self.expected: set[TickKey] = write_recording(self.folder / "trades.csv", _ROWS, task.rng)
        self._settings = settings_of(replay_of(self.folder / "trades.csv"))
        self._rng = task.rng

    def start(self, to: Any = None) -> int:
        """Run it to its end, and give its last number.

        Raises:
            StorageError: the disk is full.
        """
        source = ReplaySource(self._settings, Event())
        source.clock = RealTime(source.clock.now_ms())
        clock = RealTime(0)
        return run_loop(self._settings, self.state, source, to or self.stream, clock, self._rng).seq

    def count_writes(self) -> int:
        """Run it undisturbed, elsewhere, and count its writes."""
        kept = self.state, self.stream
        self.state, self.stream = self.folder / "undisturbed", StreamInMemory()
        with FullDisk(self.state, write=None) as disk:
            self.start()
        self.state, self.stream = kept
        return disk.calls.total()

    def refuses(self, to: Any = None) -> str:
        """Start it on a full disk; give what is wrong with how it ends."""
        try:
            self.start(to)
        except StorageError as error:
            return "" if "No space left" in str(error) and "\n" not in str(error) else f"it says: {error}"
        except Exception as error:  # noqa: BLE001 - whatever else comes is what the drill is about
            return f"on a full disk it ends with {type(error).__name__}: {error}"
        return "it ends well although the disk is full"


def run(task: Task) -> Outcome:
    """Fill the disk ``task.count`` times each way."""
    counts: Counter[str] = Counter({"writes without room": 0, "really full filesystems": 0, "records on the stream": 0})
    broken: list[str] = []
    for number in range(1, task.count + 1):
        broken += _refuse_writes(task, f"writes-{number}", counts)
        broken += _fill_filesystem(task, f"filesystem-{number}", counts)
    return Outcome(counts, tuple(broken))


def _refuse_writes(task: Task, name: str, counts: Counter[str]) -> list[str]:
    it = _Producer(task, name)
    write = task.rng.randint(1, it.count_writes())
    with FullDisk(it.state, write=write) as disk:
        # It is started again while the disk is still full, as a supervisor does.
        broken = [it.refuses(), it.refuses()]
        counts["writes without room"] += disk.refused
    return [*broken_lines(broken, f"at write {write}"), *_look(it, it.start(), counts)]


def _fill_filesystem(task: Task, name: str, counts: Counter[str]) -> list[str]:
    it = _Producer(task, name)
    with small_filesystem(it.state, _SMALL_BYTES) as is_mounted:
        if not is_mounted:
            task.say("no filesystem can be mounted here: only writes are refused")
            return []
        counts["really full filesystems"] += 1
        broken = [it.refuses(OutOfReach()), it.refuses(OutOfReach())]
        resize(it.state, 100 * _SMALL_BYTES)
        return [*broken_lines(broken, "on a small filesystem"), *_look(it, it.start(), counts)]


def _look(it: _Producer, last_seq: int, counts: Counter[str]) -> list[str]:
    content = Content.of(it.stream.payloads)
    counts["records on the stream"] += content.records
    counts["sent twice"] += content.sent_twice
    return content.broken("p", last_seq, it.expected)


def broken_lines(found: list[str], where: str) -> list[str]:
    """Name the place of what is broken."""
    return [f"{where}: {each}" for each in found if each]


@contextmanager
def small_filesystem(folder: Path, size_bytes: int) -> Iterator[bool]:
    """Mount a filesystem of so many bytes at ``folder``, where the machine lets us; tell whether it did."""
    folder.mkdir(parents=True, exist_ok=True)
    is_mounted = _mount("-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - the system's own


def resize(folder: Path, size_bytes: int) -> None:
    """Give a mounted filesystem more room."""
    _mount("-o", f"remount,size={size_bytes}", str(folder))


def _mount(*arguments: str) -> bool:
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    command = ["mount", *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - the system's own


DRILL: Final = Drill(
    name="spool-full",
    fault="the disk below the spool is full, at a random write and for good",
    run=run,
    unit="times",
    short=1,
    full=5,
)
