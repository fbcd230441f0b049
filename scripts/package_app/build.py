"""Build: the pieces of an artefact and the manifest that names them, in a folder that is there whole or not at all."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scripts.package_app.archive import write_tar_gz, write_zip
from scripts.package_app.packages import Architecture, Install, wanted
from scripts.package_app.source import LOCK, Source

CODE: Final = "code.zip"
MANIFEST: Final = "manifest.json"

#: Says what is under way as long as the block lasts.
Step = Callable[[str], AbstractContextManager[None]]


def build(source: Source, architectures: Sequence[Architecture], install: Install, out: Path, step: Step) -> Path:
    """Make the artefact of a source; one of the same version that is there is replaced.

    Args:
        source: what to make it of.
        architectures: for which machines to add the packages.
        install: lays those into a folder.
        out: the folder in which the artefact's own is made.
        step: says what is under way.

    Returns:
        The artefact's folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".package-", dir=out) as name:
        scratch = Path(name)
        made = scratch / "made"
        made.mkdir()
        with step(CODE):
            write_zip(made / CODE, source.code, source.committed_at)
            for entry, data in source.entries.items():
                (made / entry).write_bytes(data)
        for architecture in architectures:
            _pack(source, architecture, install, scratch, made, step)
        (made / MANIFEST).write_text(_manifest(source, made), encoding="utf-8")
        return _put(made, out / f"pricestream-{source.version}", scratch)


def deps_name(architecture: Architecture) -> str:
    """Name the archive of the packages for a kind of machine."""
    return f"deps-{architecture}.tar.gz"


def _pack(source: Source, architecture: Architecture, install: Install, scratch: Path, made: Path, step: Step) -> None:
    lock = scratch / "lock.txt"
    lock.write_bytes(source.files[LOCK])
    folder = scratch / architecture
    with step(f"packages for {architecture}"):
        install(lock, architecture, folder)
    with step(deps_name(architecture)):
        write_tar_gz(made / deps_name(architecture), folder, wanted(folder))
    shutil.rmtree(folder)


def _manifest(source: Source, made: Path) -> str:
    document = {
        "version": source.version,
        "commit": source.commit,
        "committed_at": datetime.fromtimestamp(source.committed_at, UTC).isoformat(),
        "python": "3.11",
        "files": {path.name: _sha256(path) for path in sorted(made.iterdir())},
    }
    return json.dumps(document, indent=2) + "\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _put(made: Path, place: Path, scratch: Path) -> Path:
    if place.exists():
        place.rename(scratch / "old")
    made.rename(place)
    return place
