"""The jars that Spark needs beside its own: the Kinesis connector, Delta and S3A.

``conf/spark/jars.xml`` names them, ``conf/spark/jars.sha256`` says what each must hash to. Another
target has two files of its own.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.state import State, digest


@dataclass(frozen=True, slots=True)
class Jars:
    """Check the jars, and put them in their place.

    Attributes:
        checkout: where.
        state: what is there already.
    """

    checkout: Checkout
    state: State

    def is_done(self) -> bool:
        """Tell whether every jar is in its place, without reading them."""
        wanted = read_lock(self.checkout.jars_lock)
        there = {path.name for path in self.checkout.jars.glob("*.jar")}
        return self.state.is_done("jars", self._key()) and there == set(wanted)

    def bring(self, fetch: Callable[[Path], None]) -> None:
        """Bring what is missing or wrong; a jar gets its place only once its hash is right.

        Args:
            fetch: puts all the jars into the folder that it is given.

        Raises:
            SetupError: a jar is not the one that was locked.
        """
        wanted = read_lock(self.checkout.jars_lock)
        with self.state.doing("jars", self._key()):
            if mismatches(self.checkout.jars, wanted):
                incoming = self.checkout.local / "jars.incoming"
                fetch(incoming)
                self._place(incoming, wanted)
            for path in self.checkout.jars.glob("*.jar"):
                if path.name not in wanted:
                    path.unlink()

    def _place(self, incoming: Path, wanted: Mapping[str, str]) -> None:
        wrong = mismatches(incoming, wanted)
        if wrong:
            raise SetupError(
                f"not the jars that {self.checkout.jars_lock} locks: {', '.join(wrong)}; they are in {incoming}, "
                "and are not used"
            )
        self.checkout.jars.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            (incoming / name).replace(self.checkout.jars / name)
        shutil.rmtree(incoming)

    def _key(self) -> str:
        return digest(self.checkout.jars_lock)


def read_lock(path: Path) -> dict[str, str]:
    """Read lines of ``<sha256>  <file name>``, as ``sha256sum`` writes them, by file name."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {name: sha256 for sha256, name in lines}


def write_lock(path: Path, folder: Path) -> None:
    """Lock the jars that lie in ``folder``."""
    lines = [f"{sha256_of(jar)}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))]
    path.write_text("".join(lines), encoding="utf-8")


def mismatches(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Name the wanted files that are not in ``folder``, or are there with another content."""
    return [name for name, sha256 in wanted.items() if sha256_of(folder / name) != sha256]


def sha256_of(path: Path) -> str | None:
    """Hash a file; None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
