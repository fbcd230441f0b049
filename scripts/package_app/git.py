"""Git: what a commit holds, byte for byte, and what in the checkout differs from it."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.package_app.errors import PackageError

#: A git hook sets variables that lead to another index or repository; nothing here may write.
_ENVIRON: Final = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
#: The modes of what is no file of its own: a link, another repository.
_NO_FILE: Final = ("120000", "160000")


@dataclass(frozen=True)
class Git:
    """The git repository of a checkout."""

    root: Path

    def head(self) -> tuple[str, int]:
        """Give the commit that is checked out, and when it was made, epoch seconds.

        Raises:
            PackageError: there is no git, no repository or no commit.
        """
        commit, seconds = self._run("show", "--no-patch", "--no-show-signature", "--format=%H %ct", "HEAD").split()
        return commit.decode(), int(seconds)

    def changed(self, paths: Sequence[str]) -> list[str]:
        """List what differs from the commit below these paths, new files included, ignored ones not."""
        said = self._run(
            "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored=no", "--", *paths
        )
        # Two letters say how it differs.
        return sorted(each[3:] for each in _names(said))

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Read what a commit holds below these paths, as it is stored: no setting of git converts its lines.

        Raises:
            PackageError: something there is no file.
        """
        ids: dict[str, str] = {}
        for each in _names(self._run("ls-tree", "-r", "-z", commit, "--", *paths)):
            about, _, name = each.partition("\t")
            mode, _, number = about.split()
            if mode in _NO_FILE:
                raise PackageError(f"{name} is a link or another repository; put a file there")
            ids[name] = number
        blobs = self._blobs(sorted(set(ids.values())))
        return {name: blobs[number] for name, number in ids.items()}

    def files_here(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Read what the checkout has below these paths, committed or not, but for what git ignores."""
        listed = _names(self._run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths))
        # One that was deleted is listed all the same.
        return {name: (self.root / name).read_bytes() for name in listed if (self.root / name).is_file()}

    def _blobs(self, ids: list[str]) -> dict[str, bytes]:
        said = self._run("cat-file", "--batch", stdin="".join(f"{each}\n" for each in ids).encode())
        blobs: dict[str, bytes] = {}
        at = 0
        for number in ids:
            start = said.index(b"\n", at) + 1
            size = int(said[at:start].split()[2])
            blobs[number] = said[start : start + size]
            at = start + size + 1
        return blobs

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", str(self.root), *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, env=_ENVIRON, check=False)  # noqa: S603
        except FileNotFoundError:
            raise PackageError("git is not on PATH; install it: the artefact is made of what is committed") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
            raise PackageError(f"git cannot read the commit of {self.root}: {said[0]}")
        return done.stdout


def _names(said: bytes) -> list[str]:
    return [os.fsdecode(each) for each in said.split(b"\0") if each]
