"""Page cache: every contender finds its input on the disk, and not in memory because another has just read it."""

import os
from pathlib import Path


def forget(path: Path) -> None:
    """Drop what the system keeps in memory of the files at or below a path.

    Of these files alone: to empty the whole cache takes a superuser, and would disturb whoever else works here.
    """
    for each in [path] if path.is_file() else sorted(path.rglob("*")):
        if each.is_file():
            descriptor = os.open(each, os.O_RDONLY)
            try:
                # What is not on the disk yet would stay.
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
