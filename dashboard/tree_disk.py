"""The tree on a disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dashboard.tree import FileMark, Said, is_file, read_dates, read_intervals
from pricestream.errors import StorageError


@dataclass(frozen=True)
class DiskTree:
    """The files below a folder of a disk. A version is a file's time, size and number: a replaced one has all new."""

    root: Path

    def intervals(self) -> list[str]:
        """See :class:`Tree`."""
        return read_intervals(self._folders(self.root))

    def dates(self, interval: str) -> list[str]:
        """See :class:`Tree`."""
        return read_dates(self._folders(self.root / f"interval={interval}"))

    def files(self, interval: str, since: str) -> list[FileMark]:
        """See :class:`Tree`."""
        marks = []
        for each in self.dates(interval):
            if each >= since:
                folder = f"interval={interval}/date={each}"
                names = (f"{hour}/bars.csv" for hour in self._folders(self.root / folder))
                keys = (f"{folder}/{name}" for name in names if is_file(name))
                marks += [mark for key in keys if (mark := self._mark(key))]
        return sorted(marks)

    def read(self, key: str) -> bytes | None:
        """See :class:`Tree`."""
        with _said(self.root / key):
            return (self.root / key).read_bytes()
        return None

    def _mark(self, key: str) -> FileMark | None:
        with _said(self.root / key):
            at = (self.root / key).stat()
            return FileMark(key, f"{at.st_mtime_ns}-{at.st_ino}-{at.st_size}", at.st_size)
        return None

    def _folders(self, folder: Path) -> list[str]:
        with _said(folder), os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
        return []


@dataclass(frozen=True)
class DiskFile:
    """One file of a disk."""

    path: Path

    def read(self) -> Said | None:
        """See :class:`SmallFile`."""
        with _said(self.path), self.path.open("rb") as file:
            return Said(file.read(), os.fstat(file.fileno()).st_mtime_ns // 1_000_000)
        return None


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Let pass that there is nothing; say anything else in one line."""
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror or error}") from None
