"""Files on a disk that are there whole or not at all."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pricestream.errors import StorageError


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put ``data`` in place of ``path`` in one step; ``durable`` also outlives a power cut.

    Raises:
        OSError: it cannot be written; what was there still is.
    """
    # Always the same name, so that what a crash leaves is taken up by the next write; a leading dot, so
    # that no reader's *.csv finds it.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, content: Mapping[str, object], *, durable: bool = True) -> None:
    """Replace ``path``, a small file of state, by ``content`` in one step.

    Args:
        path: the file.
        content: what JSON can say.
        durable: outlive a power cut, too.

    Raises:
        StorageError: the file cannot be written; what was there still is.
    """
    try:
        replace_file(path, json.dumps(content).encode(), durable=durable)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def make_folder(folder: Path) -> None:
    """Make a folder where there is none, and those above it, so that they outlive a power cut.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    # What is made sure of within a folder is lost with it, where its own name is.
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
