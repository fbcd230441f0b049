"""Tree: the published files, and the names that they have. Nothing of the page ever writes one.

A listing is bounded: it asks for the folders of dates, and for the files from one date on. What vanishes between
listing and reading is not there, and no error.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple, Protocol

from pricestream.interval import interval_seconds

#: What a folder's or a file's name looks like below the one above it. Other names are none of ours.
_INTERVAL: Final = re.compile(r"interval=([1-9][0-9]{0,5}[smhd])", re.ASCII)
_DATE: Final = re.compile(r"date=(\d{4}-\d{2}-\d{2})", re.ASCII)
_FILE: Final = re.compile(r"hour=([01]\d|2[0-3])/bars\.csv", re.ASCII)
_DAY_SECONDS: Final = 86_400


class FileMark(NamedTuple):
    """One file of the tree as a listing has it."""

    key: str
    #: Another one wherever the content is another one.
    version: str
    #: In bytes.
    size: int

    @property
    def date(self) -> str:
        """The date in its path, ISO."""
        return self.key.split("/")[1].removeprefix("date=")

    @property
    def hour(self) -> int:
        """The hour in its path."""
        return int(self.key.split("/")[2].removeprefix("hour="))


class Said(NamedTuple):
    """A small file as it was read."""

    data: bytes
    #: When it was last written, epoch ms.
    written_ms: int


class Tree(Protocol):
    """The files below one folder."""

    def intervals(self) -> list[str]:
        """Name the intervals that have a folder, in no order."""

    def dates(self, interval: str) -> list[str]:
        """Name the dates that an interval has a folder for, ISO, from the oldest on."""

    def files(self, interval: str, since: str) -> list[FileMark]:
        """List an interval's files from a date on, the oldest first."""

    def read(self, key: str) -> bytes | None:
        """Read a file of the tree; None where it is gone."""


class SmallFile(Protocol):
    """One file that is replaced whole, such as the status."""

    def read(self) -> Said | None:
        """Read it; None where there is none."""


def read_intervals(names: Iterable[str]) -> list[str]:
    """Choose the intervals among the names of folders."""
    # As the settings have them: an interval divides a day.
    found = [match[1] for name in names if (match := _INTERVAL.fullmatch(name))]
    return [name for name in found if _DAY_SECONDS % interval_seconds(name) == 0]


def read_dates(names: Iterable[str]) -> list[str]:
    """Choose the dates among the names of folders, ISO, from the oldest on."""
    return sorted(match[1] for name in names if (match := _DATE.fullmatch(name)) and _is_date(match[1]))


def is_file(name: str) -> bool:
    """Tell whether what stands below a date's folder is the name of a file of bars."""
    return _FILE.fullmatch(name) is not None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_ours(key: str) -> bool:
    """Tell whether a key below an interval's folder is that of a file of bars."""
    _, _, below = key.partition("/")
    folder, _, name = below.partition("/")
    return bool(read_dates([folder])) and is_file(name)
