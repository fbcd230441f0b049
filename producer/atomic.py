"""Small files that are there whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pricestream.errors import StorageError


def write_json(path: Path, content: Mapping[str, object], *, durable: bool = True) -> None:
    """Replace ``path`` by ``content`` in one step; ``durable`` also outlives a power cut.

    Raises:
        StorageError: the file cannot be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
