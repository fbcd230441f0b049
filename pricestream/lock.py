"""A folder for one process at a time: two would keep its state past each other, such as a count of calls."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pricestream.errors import StorageError


@contextmanager
def hold_folder(folder: Path, *, setting: str, holder: str, advice: str) -> Iterator[Path]:
    """Make the folder and hold its lock, which goes with the process, however that ends.

    Args:
        folder: what to hold.
        setting: the key of the settings that names it, for the errors.
        holder: what kind of process holds it.
        advice: what to do where another one does.

    Raises:
        StorageError: the folder cannot be used, or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{setting} {folder}: cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            process = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StorageError(
                f"{setting} {folder}: another {holder} (process {process}) is using it; {advice}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield folder
    finally:
        os.close(descriptor)
