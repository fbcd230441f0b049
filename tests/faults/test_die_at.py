"""What counts as a call, and that the same number is the same end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.die_at import DeathTrap, Moment

ROOT = Path(__file__).parents[2]
PROGRAM = """
import http.client, os, pathlib, sys
folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
(folder.parent / "elsewhere").write_text("not counted")
folder.mkdir()
(folder / "a").write_text("first")
(folder / "a").read_text()
(folder / "a").replace(folder / "b")
descriptor = os.open(folder / "c", os.O_RDWR | os.O_CREAT)
os.write(descriptor, b"0123456789")
os.fsync(descriptor)
os.pwrite(descriptor, b"ab", 4)
os.close(descriptor)
(folder / "b").unlink()
"""


class Dead(BaseException):
    pass


def raise_dead(_: str) -> None:
    raise Dead


def state(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*"))}


def run(place: Path, *options: str) -> tuple[int, dict[str, str]]:
    place.mkdir()
    (place / "program.py").write_text(PROGRAM)
    folder = place / "watched"
    command = [sys.executable, "-m", "faults.die_at", *options, "--below", str(folder)]
    command += ["--tally", str(place / "tally"), "program", str(folder), "0"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{place}"}
    return subprocess.run(command, cwd=place, env=environment, check=False).returncode, state(folder)


ENDS = [
    (1, Moment.BEFORE, {}, "mkdir"),
    (2, Moment.BEFORE, {}, "open"),
    (2, Moment.AFTER, {"a": ""}, "open"),
    (3, Moment.TORN, {"a": "fi"}, "write"),
    (4, Moment.BEFORE, {"a": "first"}, "replace"),
    (4, Moment.TORN, {"a": "first"}, "replace"),
    (4, Moment.AFTER, {"b": "first"}, "replace"),
    (5, Moment.AFTER, {"b": "first", "c": ""}, "open"),
    (6, Moment.TORN, {"b": "first", "c": "01234"}, "write"),
    (7, Moment.BEFORE, {"b": "first", "c": "0123456789"}, "fsync"),
    (8, Moment.TORN, {"b": "first", "c": "0123a56789"}, "pwrite"),
    (9, Moment.BEFORE, {"b": "first", "c": "0123ab6789"}, "unlink"),
    (9, Moment.AFTER, {"c": "0123ab6789"}, "unlink"),
]


@pytest.mark.parametrize(("call", "moment", "left", "kind"), ENDS[::4])
def test_a_program_dies_at_its_nth_call_and_by_force(
    tmp_path: Path, call: int, moment: Moment, left: dict[str, str], kind: str
) -> None:
    code, found = run(tmp_path / "it", "--call", str(call), "--moment", moment)
    assert (code, found) == (-signal.SIGKILL, left)
    assert json.loads((tmp_path / "it" / "tally").read_text())["struck"] == kind


def test_without_a_number_it_only_counts(tmp_path: Path) -> None:
    assert run(tmp_path / "it") == (0, {"c": "0123ab6789"})
    tally = json.loads((tmp_path / "it" / "tally").read_text())
    assert (tally["struck"], tally["calls"]) == (None, 9)
    assert tally["kinds"] == {"mkdir": 1, "open": 2, "write": 2, "replace": 1, "fsync": 1, "pwrite": 1, "unlink": 1}


@pytest.mark.parametrize(("call", "moment", "left", "kind"), ENDS)
def test_within_this_process_the_end_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, moment: Moment, left: dict[str, str], kind: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", str(tmp_path / "watched"), "0"])
    struck: list[str] = []

    def die(what: str) -> None:
        struck.append(what)
        raise Dead

    with pytest.raises(Dead), DeathTrap(tmp_path / "watched", call=call, moment=moment, die=die):
        exec(PROGRAM, {})
    assert (state(tmp_path / "watched"), struck[0]) == (left, kind)


def test_after_the_end_nothing_gets_through(tmp_path: Path) -> None:
    path = tmp_path / "file"
    more: list[Callable[[], object]] = [
        lambda: path.write_text("late"),
        path.unlink,
        lambda: path.rename(tmp_path / "other"),
        (tmp_path / "folder").mkdir,
    ]
    path.write_text("first")
    with DeathTrap(tmp_path, call=1, die=raise_dead):
        for act in more:
            with pytest.raises(Dead):
                act()
    assert state(tmp_path) == {"file": "first"}


def test_afterwards_everything_is_as_it_was(tmp_path: Path) -> None:
    before = os.write, os.replace, os.open, open
    with DeathTrap(tmp_path, call=None, die=raise_dead):
        assert os.write is not before[0]
    assert (os.write, os.replace, os.open, open) == before
