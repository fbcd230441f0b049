"""A publisher at every I/O call of which something happens, in the short form."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from faults.asked_io import Call
from faults.drill import Task
from faults.power_cut import Unsure
from faults.publish_crashes import DRILL, TORN, Run, every_call
from faults.publish_tree import DiskTree, small_world


def test_a_reader_sees_old_or_new_files_wherever_a_publisher_ends(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(1)))
    assert outcome.broken == ()
    counts = outcome.counts
    # Of four files three are replaced. On S3 that is a HEAD and a GET of each, a PUT of three, and the bars themselves.
    assert counts["calls of a publish on s3"] == 4 + 4 + 3 + 1
    calls = counts["calls of a publish on disk"] + counts["calls of a publish on s3"]
    assert counts["killed at a call"] >= calls
    assert counts["power cut at a call"] >= counts["calls of a publish on disk"]
    assert counts["killed within a write"] >= 3
    assert counts["answers lost"] >= counts["calls of a publish on s3"]
    assert counts["another publisher in between"] >= calls
    assert counts["another in between and the first killed"] > 0
    assert counts["publishers that waited for the lock"] > 0
    assert counts["reads in between"] > 1_000


def in_place(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


def by_a_file_that_shows(path: Path, data: bytes) -> None:
    in_place(path.with_name(f"new-{path.name}"), data)
    path.with_name(f"new-{path.name}").replace(path)


@pytest.mark.parametrize(
    ("replace_file", "finding"), [(in_place, "neither old nor new"), (by_a_file_that_shows, "a reader takes")]
)
def test_the_drill_tells_of_half_files_and_of_stray_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace_file: object, finding: str
) -> None:
    monkeypatch.setattr("jobs.storage.replace_file", replace_file)
    run = Run(DiskTree(tmp_path), small_world(), Counter())
    every_call(run, (TORN,))
    assert any(TORN in line and finding in line for line in run.reader.broken)


def test_a_power_cut_takes_what_nobody_made_sure_of(tmp_path: Path) -> None:
    unsure, file, folder = Unsure(), tmp_path / "f", tmp_path / "a"
    file.write_bytes(b"old")
    for call in (
        Call("write", f"{tmp_path}/.f"),
        Call("replace", f"{tmp_path}/.f", f"{file}"),
        Call("mkdir", f"{folder}"),
    ):
        unsure.note(call)
    file.write_bytes(b"new one")
    folder.mkdir()
    unsure.cut()
    assert file.read_bytes() == b"old"
    assert not folder.exists()


def test_a_power_cut_halves_what_was_only_named_for_good(tmp_path: Path) -> None:
    unsure, file = Unsure(), tmp_path / "f"
    for call in (
        Call("write", f"{tmp_path}/.f"),
        Call("replace", f"{tmp_path}/.f", f"{file}"),
        Call("fsync", f"{tmp_path}"),
    ):
        unsure.note(call)
    file.write_bytes(b"newest")
    unsure.cut()
    assert file.read_bytes() == b"new"


def test_a_power_cut_takes_nothing_that_was_made_sure_of(tmp_path: Path) -> None:
    unsure, file = Unsure(), tmp_path / "f"
    for call in (
        Call("write", f"{tmp_path}/.f"),
        Call("fsync", f"{tmp_path}/.f"),
        Call("replace", f"{tmp_path}/.f", f"{file}"),
        Call("fsync", f"{tmp_path}"),
    ):
        unsure.note(call)
    file.write_bytes(b"newest")
    unsure.cut()
    assert file.read_bytes() == b"newest"
