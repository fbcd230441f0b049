"""The jars that Spark needs beside its own: the Kinesis connector, Delta and S3A.

``conf/spark/jars.xml`` names them, ``conf/spark/jars.sha256`` says what each must hash to, and the
Ivy that pyspark carries fetches them.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local_env.authorities import authorities
from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged
from scripts.local_env.errors import SetupError
from scripts.local_env.state import State, digest

_PASSWORD = "changeit"  # noqa: S105 see truststore


@dataclass(frozen=True, slots=True)
class Jars:
    """Fetch, check and place the jars.

    Attributes:
        checkout: where.
        state: what is there already.
        environ: the environment for Ivy.
    """

    checkout: Checkout
    state: State
    environ: Mapping[str, str]

    def is_done(self) -> bool:
        """Tell whether every jar is in its place, without reading them."""
        wanted = read_lock(self._lock)
        there = {path.name for path in self.checkout.jars.glob("*.jar")}
        return self.state.is_done("jars", self._key()) and there == set(wanted)

    def fetch(self, java: Path, on_wait: Callable[[], None]) -> None:
        """Bring what is missing or wrong; a jar gets its place only once its hash is right.

        Raises:
            SetupError: Maven Central cannot be reached, or a jar is not the one that was locked.
        """
        wanted = read_lock(self._lock)
        with self.state.doing("jars", self._key()):
            if mismatches(self.checkout.jars, wanted):
                incoming = self.checkout.local / "jars.incoming"
                self.resolve(java, incoming, on_wait)
                self._place(incoming, wanted)
            for path in self.checkout.jars.glob("*.jar"):
                if path.name not in wanted:
                    path.unlink()

    def resolve(self, java: Path, into: Path, on_wait: Callable[[], None]) -> None:
        """Let Ivy put the jars that ``jars.xml`` names into a folder of their own, unchecked."""
        shutil.rmtree(into, ignore_errors=True)
        ivy = next(iter(sorted((self.checkout.spark_home / "jars").glob("ivy-*.jar"))))
        conf = self.checkout.root / "conf" / "spark"
        command: list[str | Path] = [
            java / "bin" / "java",
            *self._trust(on_wait),
            "-jar",
            ivy,
            "-warn",
            "-settings",
            conf / "ivysettings.xml",
            "-ivy",
            conf / "jars.xml",
            "-cache",
            self.checkout.local / "ivy",
            "-types",
            "jar",
            "-confs",
            "default",
            "-retrieve",
            f"{into}/[artifact]-[revision].[ext]",
        ]
        problem = (
            "the Spark jars could not be fetched from Maven Central. Without it, put the jars that "
            f"{self._lock.relative_to(self.checkout.root)} names into {self.checkout.jars} yourself"
        )
        self._run(command, on_wait, problem)

    def _place(self, incoming: Path, wanted: Mapping[str, str]) -> None:
        wrong = mismatches(incoming, wanted)
        if wrong:
            raise SetupError(
                f"not the jars that {self._lock.relative_to(self.checkout.root)} locks: {', '.join(wrong)}; "
                f"they are in {incoming}, and are not used"
            )
        self.checkout.jars.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            (incoming / name).replace(self.checkout.jars / name)
        shutil.rmtree(incoming)
        shutil.rmtree(self.checkout.local / "ivy", ignore_errors=True)

    def _trust(self, on_wait: Callable[[], None]) -> list[str]:
        pem = authorities(self.environ, self.checkout.python)
        if pem is None:
            return []
        store = self.checkout.local / "truststore.p12"
        command: list[str | Path] = [self.checkout.python, "-m", "scripts.local_env.truststore", pem, store]
        self._run(command, on_wait, f"{pem}, which the environment names, could not be made into a Java trust store")
        return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"]

    def _run(self, command: list[str | Path], on_wait: Callable[[], None], problem: str) -> None:
        run_logged(command, log=self.checkout.log, environ=self.environ, on_wait=on_wait, problem=problem)

    @property
    def _lock(self) -> Path:
        return self.checkout.root / "conf" / "spark" / "jars.sha256"

    def _key(self) -> str:
        return digest(self._lock)


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
