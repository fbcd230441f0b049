"""Archive: a zip and a tar.gz whose bytes follow from their content alone, whoever makes them and where.

Entries are sorted, and have fixed times, modes and owners. The zip is not compressed, so that no library has a say
in its bytes; those of the tar.gz are the same wherever zlib is (zlib-ng, which some systems have in its place,
compresses otherwise).
"""

import gzip
import tarfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

#: 1980-01-01, the first moment that a zip can name, epoch seconds.
EARLIEST: Final = 315_532_800
_MODE: Final = 0o644
#: Half the time of zlib's own choice, for 4% more.
_LEVEL: Final = 4


def write_zip(path: Path, files: Mapping[str, bytes], changed_at: int) -> None:
    """Write a zip.

    Args:
        path: where to.
        files: what is to be in it, by name.
        changed_at: when each says that it was changed, epoch seconds.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, time.gmtime(max(changed_at, EARLIEST))[:6])
            # Else it names the system that it was made on.
            entry.create_system = 3
            entry.external_attr = (0o100000 | _MODE) << 16
            archive.writestr(entry, files[name])


def write_tar_gz(path: Path, folder: Path, names: Iterable[str]) -> None:
    """Write files of a folder into a tar.gz.

    Their times are all 1980-01-01: nothing depends on them, and the same packages give the same bytes at every commit.
    """
    with (
        path.open("wb") as out,
        gzip.GzipFile("", "wb", _LEVEL, out, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name in sorted(names):
            entry = tarfile.TarInfo(name)
            entry.size = (folder / name).stat().st_size
            entry.mode, entry.mtime = _MODE, EARLIEST
            with (folder / name).open("rb") as content:
                archive.addfile(entry, content)
