"""The producer's folder: one process at a time, one producer and one stream for good."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pricestream.atomic import write_json
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.lock import hold_folder


@contextmanager
def open_state(folder: Path, *, producer_id: str, stream: str) -> Iterator[Path]:
    """Make the folder, hold its lock, and check that it is this producer's.

    Raises:
        StorageError: the folder cannot be used, another process holds it, or it belongs to another
            producer or stream, whose sequence numbers would go on under a wrong name.
    """
    advice = "stop that one or give this one a folder of its own"
    with hold_folder(folder, setting="producer.state_dir", holder="producer", advice=advice, is_private=True):
        _check_owner(folder / "owner.json", {"producer_id": producer_id, "stream": stream})
        yield folder


def _check_owner(path: Path, owner: dict[str, str]) -> None:
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_json(path, owner)
        return
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise StorageError(
            f"{path}: is damaged; remove it if the folder is that of producer {owner['producer_id']} on stream "
            f"{owner['stream']}, or give this one a folder of its own"
        ) from None
    if found != owner:
        theirs = found if isinstance(found, dict) else {}
        raise StorageError(
            f"producer.state_dir {path.parent}: belongs to producer {theirs.get('producer_id')} on stream "
            f"{theirs.get('stream')}, not to {owner['producer_id']} on {owner['stream']}; give each its own folder"
        )
