"""What is there, and what is not, for the first command."""

import subprocess
import sys
from pathlib import Path

from benchmarks.fresh_machine import fresh_environment


def _program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {says}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def test_programs_are_found_as_on_the_path_but_for_those_that_spare_a_download(tmp_path: Path) -> None:
    for name in ("git", "java", "uv", "python3", "pip3.11", "javelin"):
        _program(tmp_path / "first", name, "first")
    for name in ("git", "dirname"):
        _program(tmp_path / "second", name, "second")
    path = f"{tmp_path / 'first'}:{tmp_path / 'absent'}::{tmp_path / 'second'}"
    environ = fresh_environment(tmp_path / "machine", {"PATH": path, "HOME": "/home/me"})
    programs = Path(environ["PATH"])
    assert {each.name for each in programs.iterdir()} == {"git", "dirname", "javelin", "python3.11"}
    said = subprocess.run([programs / "git"], capture_output=True, text=True, check=True)
    assert said.stdout == "first\n"


def test_its_python_can_make_an_environment(tmp_path: Path) -> None:
    environ = fresh_environment(tmp_path, {})
    asked = [f"{environ['PATH']}/python3.11", "-c", "import ensurepip, sys, venv; print(sys.prefix)"]
    said = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == sys.base_prefix


def test_only_the_way_out_of_the_machine_is_kept(tmp_path: Path) -> None:
    kept = {"HTTPS_PROXY": "http://proxy:3128", "PIP_INDEX_URL": "https://index/simple", "SSL_CERT_FILE": "/ca.pem"}
    dropped = {"JAVA_HOME": "/java", "PIP_FIND_LINKS": "/wheels", "PIP_CACHE_DIR": "/cache", "AWS_PROFILE": "me"}
    environ = fresh_environment(tmp_path, {**kept, **dropped, "HOME": "/home/me"})
    assert {name: environ[name] for name in kept} == kept
    assert set(environ) == {*kept, "HOME", "LANG", "PATH"}
    assert list(Path(environ["HOME"]).iterdir()) == []
