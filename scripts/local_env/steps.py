"""The steps of a setup, in their order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.local_env.checkout import Checkout
from scripts.local_env.class_archive import ClassArchive
from scripts.local_env.errors import SetupError
from scripts.local_env.ivy import Ivy
from scripts.local_env.jars import Jars
from scripts.local_env.java import find_java
from scripts.local_env.npm import NpmPackages
from scripts.local_env.packages import Packages
from scripts.local_env.state import State

#: By the names of :data:`scripts.local_env.packages.EXTRAS`.
_EXTRA_MEGABYTES: Final = {"dashboard": 15, "notebook": 65}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to make.

    Attributes:
        title: what it makes, for the progress line.
        hint: how long it takes, for a person who wonders.
        is_done: whether it is there already; quick.
        run: makes it; calls its argument about once a second.
    """

    title: str
    hint: str
    is_done: Callable[[], bool]
    run: Callable[[Callable[[], None]], None]


def pending_steps(
    checkout: Checkout, state: State, environ: Mapping[str, str], *, tests: bool, extra: str | None = None
) -> list[Step]:
    """List the steps that are still to do, in the order in which they rely on each other."""
    packages = Packages(checkout, state, environ, tests)
    packages.discard_broken_venv()
    jars = Jars(checkout, state)
    npm = NpmPackages(checkout, state, environ)
    classes = ClassArchive(checkout, environ)

    def java_is_there() -> bool:
        return state.interrupted != "java" and find_java(checkout, environ) is not None

    def fetch_jars(on_wait: Callable[[], None]) -> None:
        jars.bring(Ivy(checkout, environ, require_java(checkout, environ), on_wait).fetch)

    steps = [
        Step("virtual environment", "", packages.venv_is_done, packages.make_venv),
        Step(
            "Python packages",
            f"the first time about 2 minutes and a download of {_megabytes(checkout, tests=tests)} MB",
            packages.locked_is_done,
            packages.install_locked,
        ),
        Step("this project", "", packages.project_is_done, packages.install_project),
        Step("Java 17", "there is none in JAVA_HOME or on PATH", java_is_there, packages.install_java),
        Step("Spark jars", "", jars.is_done, fetch_jars),
    ]
    if extra:
        steps.append(
            Step(
                f"packages for the {extra}",
                f"a download of {_EXTRA_MEGABYTES[extra]} MB",
                lambda: packages.extra_is_done(extra),
                lambda on_wait: packages.install_extra(extra, on_wait),
            )
        )
    if tests and not checkout.target:
        steps.append(Step("packages of npm", "a download of 70 MB", npm.is_done, npm.install))
        steps.append(
            Step(
                "archive of Spark's classes",
                "about half a minute, and 175 MB on the disk",
                lambda: classes.is_done(find_java(checkout, environ)),
                lambda on_wait: classes.make(require_java(checkout, environ), on_wait),
            )
        )
    return [step for step in steps if not step.is_done()]


def _megabytes(checkout: Checkout, *, tests: bool) -> int:
    if checkout.target:
        return 617
    return 560 if tests else 500


def require_java(checkout: Checkout, environ: Mapping[str, str]) -> Path:
    """Find the Java 17 that the steps have seen to.

    Raises:
        SetupError: there is none, not even the one that was installed.
    """
    java = find_java(checkout, environ)
    if java is None:
        raise SetupError("no Java 17 runs here, and the one from the Python package does not either; set JAVA_HOME")
    return java
