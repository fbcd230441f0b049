"""Peak memory: the most that a program and all that it started kept in memory while it was watched."""

from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from faults.vitals import memory_mib_of, processes

#: Reading the maps of a JVM holds up its own for some milliseconds.
_EVERY_SECONDS: Final = 1.0


@dataclass
class PeakMemory:
    """Looks at the processes of a session every second, from a thread of its own; start it with ``with``."""

    session: int
    #: The most so far, in MiB; what several processes share counts once.
    mib: float = 0.0
    _ended: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        """Make the thread."""
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self.mib = max(self.mib, sum(map(memory_mib_of, processes(self.session))))
            self._ended.wait(_EVERY_SECONDS)
