"""The first command, with a clone whose demo is a script of three lines."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks import first_command
from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.first_command import disk_bytes, run_first

_DEMO = """#!/bin/sh
cd "$(dirname "$0")/.."
echo "[1/2] Python packages ... (the first time about 2 minutes)" >&2
echo "[1/2] Python packages ... done in 66 s" >&2
echo "[2/2] Spark jars ... done in 4 s" >&2
mkdir -p .local/demo && touch .local/demo/.made-by-the-demo
"""
_FILE = """folder=.local/demo/csv/interval=1m/date=2026-01-05/hour=00
sleep 0.3 && mkdir -p $folder && touch $folder/bars.csv && sleep 0.3
"""


def _checkout(folder: Path, demo: str) -> Path:
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "demo").write_text(demo, encoding="utf-8")
    (folder / "scripts" / "demo").chmod(0o755)
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "First"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def test_moments_and_steps_are_those_of_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_command, "ROOT", _checkout(tmp_path / "checkout", _DEMO + _FILE))
    (tmp_path / "place").mkdir()
    result = run_first(Bench(tmp_path / "place", is_quick=True, say=lambda _: None))
    found = {each.contender: each.figure.median for each in result.measured}
    moments = [found[name] for name in ("cloned", "the demo begins, all is set up", "the first CSV file")]
    assert moments == sorted(moments)
    assert found["the first CSV file"] + 0.2 < found["the demo has ended"]
    assert (found["Python packages"], found["Spark jars"]) == (66.0, 4.0)
    assert result.checked == ["run 1: the demo ended with 0 and 1 CSV files"]


@pytest.mark.parametrize(
    ("demo", "said"),
    [(_DEMO, "has ended without the first CSV file"), (f"{_DEMO}exit 3\n", "the demo ended with exit code 3")],
)
def test_a_demo_without_a_file_is_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: str, said: str
) -> None:
    monkeypatch.setattr(first_command, "ROOT", _checkout(tmp_path / "checkout", demo))
    (tmp_path / "place").mkdir()
    with pytest.raises(BenchmarkError, match=said):
        run_first(Bench(tmp_path / "place", is_quick=True, say=lambda _: None))


def test_a_file_with_two_names_is_on_the_disk_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_bytes(os.urandom(1_000_000))
    once = disk_bytes(tmp_path)
    assert 1_000_000 <= once < 1_100_000
    (tmp_path / "folder" / "two").hardlink_to(tmp_path / "folder" / "one")
    (tmp_path / "three").symlink_to(tmp_path / "folder" / "one")
    assert disk_bytes(tmp_path) == once
