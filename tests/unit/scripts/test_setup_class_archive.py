import os
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.class_archive import ClassArchive
from scripts.local_env.spark_conf import configure
from scripts.local_env.state import State

#: Writes the archive that it is told to, as a Java does at its end, and notes its arguments.
SUBMIT = """#!/bin/sh
printf '%s\\n' "$SPARK_HOME" "$@" > "$0.said"
: > "$(printf %s "$2" | sed 's/.*ArchiveClassesAtExit=//')"
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """A Java that has no archive of its own classes, as the one of the Python package."""
    home = tmp_path / "java"
    program(home / "bin" / "java", '#!/bin/sh\necho "$@" > "$0.said"\n')
    (home / "release").write_text('JAVA_VERSION="17.0.9"\n')
    return home


@pytest.fixture
def prepared(checkout: Checkout) -> Checkout:
    (checkout.spark_home / "bin").mkdir(parents=True)
    (checkout.spark_home / "bin" / "load-spark-env.sh").write_text("")
    checkout.conf.mkdir(parents=True)
    (checkout.conf / "log4j2.properties").write_text("")
    checkout.jars_lock.write_text("")
    checkout.requirements("run").parent.mkdir()
    checkout.requirements("run").write_text("")
    return checkout


def archive_of(checkout: Checkout) -> ClassArchive:
    return ClassArchive(checkout, State(checkout.venv / "setup.json"), dict(os.environ))


def defaults(checkout: Checkout) -> str:
    return (checkout.spark_home / "conf" / "spark-defaults.conf").read_text()


def make(checkout: Checkout, java: Path, submit: str) -> Path:
    path = program(checkout.python.parent / "spark-submit", submit)
    archive_of(checkout).make(java, lambda: None)
    return path


def test_it_is_made_once_and_every_spark_takes_it(prepared: Checkout, java: Path) -> None:
    assert not archive_of(prepared).is_done(java)
    make(prepared, java, SUBMIT)
    assert archive_of(prepared).is_done(java)
    assert "SharedArchiveFile" not in defaults(prepared)
    configure(prepared, java)
    assert f"SharedArchiveFile={prepared.class_archive}" in defaults(prepared)


def test_it_is_made_with_the_class_path_that_every_spark_has(prepared: Checkout, java: Path) -> None:
    submit = make(prepared, java, SUBMIT)
    assert "spark.driver.extraClassPath" in defaults(prepared)
    said = submit.with_name("spark-submit.said").read_text().splitlines()
    assert said[0] == str(prepared.spark_home)
    assert "-Duser.timezone=UTC" in said[2]
    assert said[-1].endswith("load_classes.py")


def test_an_archive_of_javas_own_classes_comes_first(prepared: Checkout, java: Path) -> None:
    make(prepared, java, SUBMIT)
    said = java / "bin" / "java.said"
    assert said.read_text() == "-Xshare:dump\n"
    said.unlink()
    (java / "lib" / "server").mkdir(parents=True)
    (java / "lib" / "server" / "classes.jsa").write_text("")
    make(prepared, java, SUBMIT)
    assert not said.exists()


@pytest.mark.parametrize("change", ["java", "jars", "packages"])
def test_what_it_was_made_of_makes_it_anew(prepared: Checkout, java: Path, change: str) -> None:
    make(prepared, java, SUBMIT)
    changed = {
        "java": java / "release",
        "jars": prepared.jars_lock,
        "packages": prepared.requirements("run"),
    }
    changed[change].write_text("another")
    assert not archive_of(prepared).is_done(java)


def test_a_java_that_keeps_no_archive_does_without_and_is_not_asked_again(prepared: Checkout, java: Path) -> None:
    make(prepared, java, SUBMIT)
    make(prepared, java, "#!/bin/sh\necho no such option >&2\nexit 1\n")
    assert not prepared.class_archive.exists()
    assert archive_of(prepared).is_done(java)
    assert "no such option" in prepared.log.read_text()
