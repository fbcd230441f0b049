"""Java: the one that Spark runs on, which Flink is given as well."""

import os
import re
from pathlib import Path

from benchmarks.checkout import ROOT
from scripts.local_env.checkout import Checkout
from scripts.local_env.java import find_java


def java_home() -> Path | None:
    """Find the home of the Java 17 that ``scripts/setup`` has found or installed; None where there is none."""
    return find_java(Checkout(ROOT), os.environ)


def java_version(home: Path) -> str:
    """Read the version of a Java from its ``release`` file."""
    text = (home / "release").read_text(encoding="utf-8", errors="replace")
    found = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    return found[1] if found else "unknown"
