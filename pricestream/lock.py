"""A folder for one process at a time: two would keep its state past each other, such as a count of calls."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pricestream.errors import StorageError


def _lock(descriptor: int) -> None:
    """Take the lock. Who only looks whether it is held has it for a moment, and is waited for."""
    for pause in (0.05, 0.1, 0.2):
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(pause)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool | None:
    """Tell whether a process holds a folder; None where none ever has."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def hold_folder(folder: Path, *, setting: str, holder: str, advice: str, is_private: bool = False) -> Iterator[Path]:
    """Make the folder and hold its lock, which goes with the process, however that ends.

    Args:
        folder: what to hold.
        setting: the key of the settings that names it, for the errors.
        holder: what kind of process holds it.
        advice: what to do where another one does.
        is_private: make it a folder that no other user can look into; one that is there keeps its mode.

    Raises:
        StorageError: the folder cannot be used, or another process holds it.
    """
    try:
        folder.mkdir(0o700 if is_private else 0o777, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{setting} {folder}: cannot be used: {error.strerror}") from None
    try:
        try:
            _lock(descriptor)
        except OSError:
            process = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StorageError(
                f"{setting} {folder}: another {holder} (process {process}) is using it; {advice}"
            ) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise StorageError(f"{setting} {folder}: cannot be used: {error.strerror}") from None
        yield folder
    finally:
        os.close(descriptor)
