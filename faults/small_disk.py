"""Small disk: a file system of a few kilobytes in memory, which fills up as a disk does."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotMountError(Exception):
    """This user may not mount anything."""


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Callable[[int], None]]:
    """Mount one at ``folder``, and give what makes it larger: a call with the new size in kilobytes.

    Raises:
        CannotMountError: that takes a right which this user lacks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)):
        raise CannotMountError("a small file system can be mounted by root only; the drill needs one")
    try:
        yield lambda more: _resize(folder, more)
    finally:
        # Lazily: what was killed may not have let go of its files yet.
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607


def _resize(folder: Path, kilobytes: int) -> None:
    if not _mount("-o", f"remount,size={kilobytes}k", str(folder)):
        raise CannotMountError(f"{folder}: cannot be made larger")


def _mount(*arguments: str) -> bool:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError:
        return False
    return done.returncode == 0
