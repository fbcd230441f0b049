"""Feed: what the page asks for, from the lake and the status file, and what it says where they cannot be read."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dashboard.lake import Lake
from dashboard.model import Market, Overview, Series
from dashboard.status import JobStatus, read_status
from dashboard.tree import Said, SmallFile
from pricestream.cli import harmless
from pricestream.errors import StorageError


@dataclass(frozen=True)
class Glimpse:
    """What one look has found."""

    #: Another one wherever a file of bars, or what the job says of its coins, is another one.
    token: str = ""
    status: JobStatus | None = None
    #: Why the lake cannot be read, in one line; None where it can.
    problem: str | None = None
    #: Files that are no bars.
    unreadable: int = 0


@dataclass
class Feed:
    """Looks no more often than every so many seconds, however many pages are open, and never when none is."""

    lake: Lake
    status_file: SmallFile
    #: The coins as the settings list them.
    listed: tuple[str, ...] = ()
    every_seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    _last: Glimpse = field(default_factory=Glimpse)
    _listed_as: str = ""
    #: Why the last file could not be read; None where it could.
    _unread: str | None = None
    _overview: Overview = field(default_factory=Overview)
    _looked_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> Glimpse:
        """Look, or give what was found a moment ago."""
        with self._lock:
            now = self.clock()
            # A little less than the pages' own pace, or every second look would come just too soon.
            if self._looked_at is None or now - self._looked_at >= self.every_seconds * 0.8:
                self._last = self._look()
                self._looked_at = self.clock()
            return self._last

    def overview(self) -> Overview:
        """Sum up all coins; those that the job calls stale are. The last one stays where the lake cannot be read."""
        status = self._last.status
        with self._reading():
            self._overview = self.lake.overview(status.stale if status else ())
        return self._overview

    def series(self, market: Market, interval: str) -> Series | None:
        """Read one coin's bars; None where the lake cannot be read."""
        with self._reading():
            return self.lake.series(market, interval)
        return None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
            self._unread = None
        except StorageError as error:
            self._unread = harmless(str(error))

    def _look(self) -> Glimpse:
        problem = self._unread
        said: Said | None = None
        try:
            said = self.status_file.read()
            self._listed_as = self.lake.look()
        except StorageError as error:
            problem = harmless(str(error))
        status = read_status(said)
        token = f"{self._listed_as}/{status.stale if status else ''}"
        return Glimpse(token, status, problem, self.lake.unreadable)
