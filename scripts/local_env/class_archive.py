"""An archive of the classes that Spark loads: each Java that starts with it need not read and check them again.

What this is: "Application Class-Data Sharing" of Java, with an archive that Java writes as a program ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged
from scripts.local_env.errors import CommandError
from scripts.local_env.spark_conf import configure, java_options
from scripts.local_env.state import State, digest


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Make the archive, and know whether it is the one of this Java and these jars.

    Attributes:
        checkout: where.
        state: what is there already.
        environ: the environment for Spark.
    """

    checkout: Checkout
    state: State
    environ: Mapping[str, str]

    def is_done(self, java: Path | None) -> bool:
        """Tell whether it was made for what is there now."""
        return java is not None and self.state.is_done("classes", self._key(java))

    def make(self, java: Path, on_wait: Callable[[], None]) -> None:
        """Run what a job does on a handful of rows, and keep the classes that it took.

        A Java that keeps no such archive is none the worse for it: then there is none, and the log says why.
        """
        with self.state.doing("classes", self._key(java)):
            self.checkout.class_archive.unlink(missing_ok=True)
            try:
                self._begin(java, on_wait)
                self._dump(java, on_wait)
            except CommandError:
                self.checkout.class_archive.unlink(missing_ok=True)

    def _begin(self, java: Path, on_wait: Callable[[], None]) -> None:
        """See to the archive of Java's own classes, which the Java of the Python package comes without."""
        if not (java / "lib" / "server" / "classes.jsa").exists():
            self._run([java / "bin" / "java", "-Xshare:dump"], on_wait)

    def _dump(self, java: Path, on_wait: Callable[[], None]) -> None:
        # Without the archive in the options, and with the class path that every Spark will have.
        configure(self.checkout, java)
        options = f"{java_options(None)} -XX:ArchiveClassesAtExit={self.checkout.class_archive}"
        conf = f"spark.driver.extraJavaOptions={options}"
        program = self.checkout.root / "scripts" / "local_env" / "load_classes.py"
        self._run([self.checkout.python.parent / "spark-submit", "--conf", conf, program], on_wait)

    def _run(self, command: list[str | Path], on_wait: Callable[[], None]) -> None:
        run_logged(
            command,
            log=self.checkout.log,
            environ=self._environ(),
            on_wait=on_wait,
            problem="the archive of Spark's classes could not be made",
        )

    def _environ(self) -> dict[str, str]:
        """Name this checkout's Spark and Python, whatever others the machine has."""
        spark, python = self.checkout.spark_home, str(self.checkout.python)
        named = {"SPARK_HOME": str(spark), "SPARK_CONF_DIR": str(spark / "conf"), "PYSPARK_PYTHON": python}
        return {**self.environ, **named, "PYSPARK_DRIVER_PYTHON": python}

    def _key(self, java: Path) -> str:
        return f"{java} {digest(java / 'release', self.checkout.jars_lock, self.checkout.requirements('run'))}"
