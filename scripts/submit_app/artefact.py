"""Artefact: what ``./scripts/package`` has made, and its way into the bucket."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pricestream.json_text import parse_json
from scripts.platform.errors import PlatformError
from scripts.submit_app.site import Site
from scripts.submit_app.work import ENTRIES

_MANIFEST: Final = "manifest.json"
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_MADE_BY: Final = "make it with ./scripts/package"


@dataclass(frozen=True)
class Artefact:
    """A folder of files that belong together."""

    folder: Path
    version: str
    #: The SHA-256 of each file, by its name.
    files: dict[str, str]


def find_artefact(dist: Path, chosen: Path | None, architecture: str) -> Artefact:
    """Choose the artefact, and make sure that it is whole.

    Args:
        dist: where they are made.
        chosen: the one that was asked for; None takes the newest.
        architecture: of the machines that it is for.

    Raises:
        PlatformError: there is none, or a file is missing or not what it was.
    """
    folder = chosen if chosen is not None else _newest(dist)
    artefact = _read(folder)
    wanted = {"code.zip", f"deps-{architecture}.tar.gz", *ENTRIES.values()}
    if missing := sorted(wanted - artefact.files.keys()):
        raise PlatformError(f"{folder}: has no {', '.join(missing)}; {_MADE_BY}")
    for name, digest in artefact.files.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise PlatformError(f"{folder / name}: is not what {_MANIFEST} says; {_MADE_BY}")
    return artefact


def upload(site: Site, artefact: Artefact) -> None:
    """Upload what is not there yet. A version never changes: what is there under its name stays.

    Raises:
        PlatformError: other files are there under this version, or AWS refuses.
    """
    manifest = artefact.folder / _MANIFEST
    # The manifest goes last: where it is, the version is whole.
    files = artefact.files | {_MANIFEST: _digest(manifest)}
    missing = [name for name, digest in files.items() if not _is_there(site, artefact, name, digest)]
    if not missing:
        site.say(f"artefact {artefact.version} is in s3://{site.platform.bucket}/app already")
        return
    total = sum((artefact.folder / name).stat().st_size for name in missing)
    site.say(f"uploading artefact {artefact.version}: {len(missing)} files, {total / 1e6:,.1f} MB")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=site.console, transient=True, disable=not site.console.is_terminal) as progress:
        task = progress.add_task("uploading", total=total)
        for name in missing:
            address = app_address(site.platform.bucket, artefact.version, name)
            site.bucket.upload(artefact.folder / name, address, files[name], lambda size: progress.advance(task, size))


def app_address(bucket: str, version: str, name: str) -> str:
    """Where a file of a version is."""
    return f"s3://{bucket}/app/{version}/{name}"


def _is_there(site: Site, artefact: Artefact, name: str, digest: str) -> bool:
    address = app_address(site.platform.bucket, artefact.version, name)
    found = site.bucket.digest(address)
    if found is not None and found != digest:
        raise PlatformError(
            f"{address} is another file than that in {artefact.folder}; commit what was changed and package it anew, "
            "so that it has a version of its own"
        )
    return found is not None


def _newest(dist: Path) -> Path:
    found = [path.parent for path in dist.glob(f"pricestream-*/{_MANIFEST}")]
    if not found:
        raise PlatformError(f"there is no artefact in {dist}; {_MADE_BY}, or give --package")
    return max(found, key=lambda folder: (folder / _MANIFEST).stat().st_mtime)


def _read(folder: Path) -> Artefact:
    file = folder / _MANIFEST
    try:
        manifest: dict[str, Any] = parse_json(file.read_bytes())
        version, files = manifest["version"], dict(manifest["files"])
    except OSError as error:
        raise PlatformError(f"{file}: {error.strerror}; {_MADE_BY}") from None
    except (ValueError, KeyError, TypeError):
        raise PlatformError(f"{file}: is damaged; {_MADE_BY}") from None
    # They become addresses, and words of a command.
    if not isinstance(version, str) or not _VERSION.fullmatch(version) or any("/" in name for name in files):
        raise PlatformError(f"{file}: has a version or a name that cannot be used; {_MADE_BY}")
    return Artefact(folder, version, files)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
