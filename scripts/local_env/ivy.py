"""Fetch jars from Maven Central with the Ivy that pyspark carries."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local_env.authorities import authorities
from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged

_PASSWORD = "changeit"  # noqa: S105 see truststore  # nosec B105


@dataclass(frozen=True, slots=True)
class Ivy:
    """Knows how to call Ivy, and how to make Java trust whom the machine trusts.

    Attributes:
        checkout: where.
        environ: the environment for Ivy.
        java: the home of the Java to run it with.
        on_wait: called about once a second.
    """

    checkout: Checkout
    environ: Mapping[str, str]
    java: Path
    on_wait: Callable[[], None]

    def fetch(self, into: Path, named: Path | None = None) -> None:
        """Put jars into an empty folder, unchecked.

        Args:
            into: the folder; what is in it goes.
            named: an Ivy file that says which; by itself the ``jars.xml`` of the target.

        Raises:
            SetupError: Maven Central cannot be reached, or lacks one.
        """
        shutil.rmtree(into, ignore_errors=True)
        ivy = min((self.checkout.spark_home / "jars").glob("ivy-*.jar"))
        cache = self.checkout.local / "ivy"
        options: dict[str, str | Path] = {
            "-settings": self.checkout.root / "conf" / "spark" / "ivysettings.xml",
            "-ivy": named or self.checkout.jars_named,
            "-cache": cache,
            "-types": "jar",
            "-confs": "default",
            "-retrieve": f"{into}/[artifact]-[revision].[ext]",
        }
        words = [word for option in options.items() for word in option]
        problem = (
            "the Spark jars could not be fetched from Maven Central. Where there is no way to it, put the jars "
            f"that {self.checkout.jars_lock} names into {self.checkout.jars} yourself"
        )
        self._run([self.java / "bin" / "java", *self._trust(), "-jar", ivy, "-warn", *words], problem)
        shutil.rmtree(cache, ignore_errors=True)

    def _trust(self) -> list[str]:
        pem = authorities(self.environ, self.checkout.python)
        if pem is None:
            return []
        store = self.checkout.local / "truststore.p12"
        command: list[str | Path] = [self.checkout.python, "-m", "scripts.local_env.truststore", pem, store]
        self._run(command, f"{pem}, which the environment names, could not be made into a Java trust store")
        return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"]

    def _run(self, command: list[str | Path], problem: str) -> None:
        run_logged(command, log=self.checkout.log, environ=self.environ, on_wait=self.on_wait, problem=problem)
