"""Lake: what is published, read no further than the page shows it and no more often than it changes."""

import hashlib
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from dashboard import frames
from dashboard.bars_csv import parse_bars
from dashboard.cache import TableCache
from dashboard.model import DAY_MS, Market, Overview, Series, Span
from dashboard.reach import choose_interval, days_back, newest_end_ms, overlapping
from dashboard.tree import FileMark, Tree
from pricestream.interval import interval_seconds

log = logging.getLogger(__name__)

#: So many windows of one coin at most.
MAX_WINDOWS: Final = 500
#: What is read for the list, and for one coin's bars, in bytes of CSV; older files are left out.
LIST_BYTES: Final = 32 << 20
SERIES_BYTES: Final = 256 << 20
#: What is held of parsed files, in bytes.
_HELD_BYTES: Final = 192 << 20
#: The newest prices are looked for in so many of the shortest interval's files.
_RECENT_FILES: Final = 2
#: Each holds a file, and what becomes of it, while it reads.
_AT_ONCE: Final = 4


@dataclass
class Lake:
    """Reads a tree. All methods may be called from several threads."""

    tree: Tree
    #: Each interval's files, as far back as anything is shown; the oldest first.
    _marks: dict[str, list[FileMark]] = field(default_factory=dict)
    _tables: TableCache = field(default_factory=lambda: TableCache(_HELD_BYTES))
    _unreadable: dict[str, str] = field(default_factory=dict)
    _overview: tuple[object, Overview] = (None, Overview())
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def look(self) -> str:
        """List what is there now. Returns a text that is another one where anything is.

        Raises:
            StorageError: the tree cannot be listed; what was known stays.
        """
        with self._lock:
            marks = {name: self._list(name) for name in sorted(self.tree.intervals(), key=interval_seconds)}
            self._marks = {name: files for name, files in marks.items() if files}
            return hashlib.sha256(repr(self._marks).encode()).hexdigest()

    @property
    def intervals(self) -> tuple[str, ...]:
        """The intervals that have files, the shortest first."""
        return tuple(self._marks)

    @property
    def unreadable(self) -> int:
        """How many of the files now listed are no bars."""
        with self._lock:
            listed = (mark for files in self._marks.values() for mark in files)
            return sum(self._is_known_bad(mark) for mark in listed)

    def overview(self, stale: Iterable[Market] = ()) -> Overview:
        """Sum up all coins over the last day that has bars.

        Args:
            stale: coins of which it is known from elsewhere that they are.

        Raises:
            StorageError: a file cannot be read.
        """
        with self._lock:
            if not self._marks:
                return Overview()
            base = next(iter(self._marks))
            recent = self._marks[base][-_RECENT_FILES:]
            newest = self._read(recent)
            end = frames.last_end_ms(newest, interval_seconds(base) * 1000) or newest_end_ms(recent, base)
            day = Span(end - DAY_MS, end)
            interval = choose_interval(self._marks, day, LIST_BYTES)
            wanted = overlapping(self._marks[interval], interval, day, LIST_BYTES)
            known = frozenset(stale)
            key = (tuple(wanted), tuple(recent), known)
            if self._overview[0] != key:
                self._overview = key, frames.summarize(self._read(wanted), newest, interval, day, known)
            return self._overview[1]

    def series(self, market: Market, interval: str) -> Series:
        """Read the last bars of one coin.

        Raises:
            StorageError: a file cannot be read.
        """
        with self._lock:
            length = interval_seconds(interval) * 1000
            marks = self._marks.get(interval, [])
            if not marks:
                return Series(market, interval, length)
            end = frames.last_end_ms(self._read(marks[-1:]), length) or newest_end_ms(marks, interval)
            span = Span(end - MAX_WINDOWS * length, end)
            tables = self._read(overlapping(marks, interval, span, SERIES_BYTES))
            return frames.series_of(tables, market, interval, length, span)

    def _list(self, interval: str) -> list[FileMark]:
        dates = self.tree.dates(interval)
        return self.tree.files(interval, days_back(dates[-1], interval, MAX_WINDOWS)) if dates else []

    def _read(self, marks: Sequence[FileMark]) -> list[pa.Table]:
        """Give the tables of files, without those that are gone or are no bars."""
        held: Mapping[FileMark, pa.Table | None] = {mark: self._tables.get(mark.key, mark.version) for mark in marks}
        missing = [mark for mark, table in held.items() if table is None and not self._is_known_bad(mark)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            fetched = dict(zip(missing, pool.map(self._fetch, missing), strict=True))
        if fetched:
            # What parsing took and left, which Arrow would keep for itself.
            pa.default_memory_pool().release_unused()
        for mark, table in fetched.items():
            if table is not None:
                self._tables.put(mark.key, mark.version, table)
        tables = (held[mark] if held[mark] is not None else fetched.get(mark) for mark in marks)
        return [table for table in tables if table is not None]

    def _fetch(self, mark: FileMark) -> pa.Table | None:
        data = self.tree.read(mark.key)
        if data is None:
            return None
        try:
            return parse_bars(data)
        except ValueError as error:
            log.warning("%s: is no file of bars: %s", mark.key, " ".join(str(error).split())[:200])
            self._unreadable[mark.key] = mark.version
            return None

    def _is_known_bad(self, mark: FileMark) -> bool:
        return self._unreadable.get(mark.key) == mark.version
