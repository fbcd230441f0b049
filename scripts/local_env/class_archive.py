"""An archive of the classes that Spark loads: a Java that starts with it need not read and check them again.

What this is: "Application Class-Data Sharing" of Java, with an archive that Java writes as a program ends.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged
from scripts.local_env.errors import CommandError, DispensableError
from scripts.local_env.spark_conf import configure, java_options, quoted
from scripts.local_env.state import digest

_HERE: Final = Path(__file__).parent
_PROGRAM: Final = _HERE / "load_classes.py"
#: What of a person's own would have Spark load other classes, or write elsewhere.
_DROPPED: Final = ("HADOOP_", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "PYSPARK_", "PYTHON", "SPARK_", "YARN_")


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """Make the archive, and know whether it is the one of this Java and these jars.

    Attributes:
        checkout: where.
        environ: the environment for Spark.
    """

    checkout: Checkout
    environ: Mapping[str, str]

    def is_done(self, java: Path | None) -> bool:
        """Tell whether it was made of what is there now, or could not be."""
        try:
            return java is not None and self._made_of.read_text(encoding="utf-8") == self._key(java)
        except OSError:
            return False

    def make(self, java: Path, on_wait: Callable[[], None]) -> None:
        """Run what a job does on a handful of rows, and keep the classes that it took.

        Raises:
            DispensableError: this Java keeps none; it is not asked again.
        """
        for path in (self._made_of, self.checkout.class_archive):
            path.unlink(missing_ok=True)
        # Without an archive in the options, and with the class path that every Spark will have.
        configure(self.checkout, java)
        try:
            with self._incoming() as incoming:
                self._archive_javas_own(java, on_wait)
                self._dump(incoming, on_wait)
        except CommandError as error:
            self._remember(java)
            raise DispensableError(f"{error}. Without it each Spark starts some seconds later") from None
        self._remember(java)

    def _remember(self, java: Path) -> None:
        self._made_of.write_text(self._key(java), encoding="utf-8")

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """Give the archive its place only once it is whole."""
        incoming = self.checkout.local / "spark.incoming.jsa"
        try:
            yield incoming
            if not incoming.exists():
                raise CommandError("Java left no archive of Spark's classes", "")
            incoming.replace(self.checkout.class_archive)
        finally:
            incoming.unlink(missing_ok=True)

    def _archive_javas_own(self, java: Path, on_wait: Callable[[], None]) -> None:
        """See to the archive that the other one builds on, which the Java of the Python package comes without."""
        is_ours = java.is_relative_to(self.checkout.site_packages)
        if is_ours and not (java / "lib" / "server" / "classes.jsa").exists():
            self._run([java / "bin" / "java", "-Xshare:dump"], on_wait)

    def _dump(self, archive: Path, on_wait: Callable[[], None]) -> None:
        options = f"{java_options()} {quoted(f'-XX:ArchiveClassesAtExit={archive}')}"
        conf = f"spark.driver.extraJavaOptions={options}"
        self._run([self.checkout.python.parent / "spark-submit", "--conf", conf, _PROGRAM], on_wait)

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
        kept = {key: value for key, value in self.environ.items() if not key.startswith(_DROPPED)}
        spark, python = self.checkout.spark_home, str(self.checkout.python)
        named = {"SPARK_HOME": str(spark), "SPARK_CONF_DIR": str(spark / "conf")}
        return {**kept, **named, "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python}

    @property
    def _made_of(self) -> Path:
        return self.checkout.class_archive.with_suffix(".made-of")

    def _key(self, java: Path) -> str:
        """Hash what Java compares, as it keeps silent about it, and what says which classes there are."""
        # In the order of the folder, as Java takes them.
        jars = [
            (each.path, each.stat().st_size, each.stat().st_mtime_ns)
            for folder in (self.checkout.jars, self.checkout.spark_home / "jars")
            if folder.is_dir()
            for each in os.scandir(folder)
        ]
        made_by = digest(java / "release", *(_HERE / name for name in ("load_classes.py", "spark_conf.py")))
        return hashlib.sha256(repr((str(java), made_by, jars)).encode()).hexdigest()
