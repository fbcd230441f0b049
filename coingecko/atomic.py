"""Small files of state."""

import json
from collections.abc import Mapping
from pathlib import Path

from pricestream.atomic import replace_file
from pricestream.errors import StorageError


def write_json(path: Path, content: Mapping[str, object], *, durable: bool = True) -> None:
    """Replace ``path`` by ``content`` in one step; ``durable`` also outlives a power cut.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        replace_file(path, json.dumps(content).encode(), durable=durable)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None
