"""Source: the files that the artefact is made of, and the version that they give it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.package_app.errors import PackageError
from scripts.package_app.git import Git

#: What goes into ``code.zip``.
PACKAGES: Final = ("pricestream", "coingecko", "producer", "jobs")
#: What spark-submit is given, each alone: the files of :mod:`jobs` that start something.
ENTRIES: Final = ("stream_prices.py", "backfill_prices.py", "audit_prices.py", "maintain_tables.py")
#: The packages that a cluster gets beside its own Spark, with their hashes.
LOCK: Final = "requirements/cluster.txt"

_SETUP: Final = "setup.py"
#: How the pieces are made decides their bytes as well.
_MAKERS: Final = ("scripts/package", "scripts/package_app")
_PATHS: Final = (*PACKAGES, LOCK, _SETUP, *_MAKERS)
_COMMIT_LETTERS: Final = 12
_NAMED: Final = 3


@dataclass(frozen=True)
class Source:
    """What an artefact is made of."""

    #: The project's version and the commit; the name of the artefact.
    version: str
    #: The whole name of the commit.
    commit: str
    #: When it was made, epoch seconds.
    committed_at: int
    #: What the files hold, by their paths in the checkout.
    files: Mapping[str, bytes]

    @property
    def code(self) -> dict[str, bytes]:
        """The files of the packages."""
        return {name: data for name, data in self.files.items() if name.partition("/")[0] in PACKAGES}

    @property
    def entries(self) -> dict[str, bytes]:
        """The entries, by their names in the artefact."""
        return {name: self.files[f"jobs/{name}"] for name in ENTRIES}


def read_source(root: Path, *, dirty: bool = False) -> Source:
    """Read what a checkout has committed.

    Args:
        root: the checkout.
        dirty: where something is not committed, take the files as they are; the version then says so, with
            a hash of them all.

    Raises:
        PackageError: something is not committed and ``dirty`` is not set, or it is no checkout of this project.
    """
    git = Git(root)
    commit, committed_at = git.head()
    changed = git.changed(_PATHS)
    if changed and not dirty:
        named = ", ".join(changed[:_NAMED]) + (f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else "")
        raise PackageError(f"not committed: {named}; commit it, or give --dirty to package it as it is")
    files = git.files_here(_PATHS) if changed else git.files(commit, _PATHS)
    missing = [name for name in (_SETUP, LOCK, *(f"jobs/{each}" for each in ENTRIES)) if name not in files]
    if missing:
        raise PackageError(f"{root} has no {', '.join(missing)}; run it in a checkout of the project")
    mark = f"-dirty-{_digest(files)[:_COMMIT_LETTERS]}" if changed else ""
    version = f"{_project_version(files[_SETUP])}-{commit[:_COMMIT_LETTERS]}{mark}"
    return Source(version, commit, committed_at, files)


def _project_version(setup: bytes) -> str:
    found = re.search(rb'^ *version="([0-9A-Za-z.]+)"', setup, re.MULTILINE)
    if found is None:
        raise PackageError(f"{_SETUP} names no version")
    return found[1].decode()


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{hashlib.sha256(files[name]).hexdigest()} {name}\n".encode())
    return whole.hexdigest()
