"""Tar: unpacking an archive that was checked by its hash."""

import tarfile
from pathlib import Path


def unpack(archive: Path, folder: Path) -> None:
    """Unpack it, with nothing in it that lies outside the folder or is no file where Python can see to that."""
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            # Python 3.11 knows no filter before 3.11.4, and Debian 12 has 3.11.2.
            tar.extractall(folder)
