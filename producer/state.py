"""The producer's folder: one process at a time, one producer and one stream for good."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coingecko.atomic import write_json
from pricestream.errors import StorageError


@contextmanager
def open_state(folder: Path, *, producer_id: str, stream: str) -> Iterator[Path]:
    """Make the folder, hold its lock, and check that it is this producer's.

    The lock goes with the process, however that ends.

    Raises:
        StorageError: the folder cannot be used, another process holds it, or it belongs to another
            producer or stream, whose sequence numbers would go on under a wrong name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"producer.state_dir {folder}: cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StorageError(
                f"producer.state_dir {folder}: another producer (process {holder}) is using it; "
                "stop that one or give this one a folder of its own"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _check_owner(folder / "owner.json", {"producer_id": producer_id, "stream": stream})
        yield folder
    finally:
        os.close(descriptor)


def _check_owner(path: Path, owner: dict[str, str]) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_json(path, owner)
        return
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from None
    if found != owner:
        theirs = found if isinstance(found, dict) else {}
        raise StorageError(
            f"producer.state_dir {path.parent}: belongs to producer {theirs.get('producer_id')} on stream "
            f"{theirs.get('stream')}, not to {owner['producer_id']} on {owner['stream']}; give each its own folder"
        )
