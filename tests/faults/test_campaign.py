"""The command line of the campaign, with drills that take no time."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from faults import cli
from faults.drill import Drill, Outcome, Task, together
from faults.drills import ALL

app = typer.Typer()
app.command()(cli.campaign)


def holds(task: Task) -> Outcome:
    (task.place / "trace").write_text("was here")
    return Outcome({"struck": task.count, "chance": task.rng.randrange(10**9)})


def breaks(task: Task) -> Outcome:
    return Outcome({"struck": task.count}, ("one record is lost",))


def fails(_: Task) -> Outcome:
    raise RuntimeError("no\nway")


@pytest.fixture(autouse=True)
def _drills(monkeypatch: pytest.MonkeyPatch) -> None:
    units = {"holds": "kills", "breaks": "records", "fails": "kills"}
    runs = {"holds": holds, "breaks": breaks, "fails": fails}
    drills = [Drill(name, "a fault", run, units[name], short=3, full=100) for name, run in runs.items()]
    monkeypatch.setattr(cli, "ALL", tuple(drills))


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def results(out: Path) -> Any:
    return json.loads((out / "results.json").read_text())


def test_all_that_holds_is_0_and_written_down(tmp_path: Path) -> None:
    result = invoke("holds", "--seed", "5", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    [found] = results(tmp_path / "out")["drills"]
    chance = found["counts"].pop("chance")
    assert 0 <= chance < 10**9
    assert found.pop("seconds") >= 0
    expected = {"name": "holds", "fault": "a fault", "count": 3, "unit": "kills", "counts": {"struck": 3}, "broken": []}
    assert found == expected
    assert (results(tmp_path / "out")["seed"], results(tmp_path / "out")["holds"]) == (5, True)
    assert (tmp_path / "out" / "holds" / "trace").exists()


def test_a_promise_that_breaks_is_1_and_the_others_are_run_all_the_same(tmp_path: Path) -> None:
    result = invoke("--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "BROKEN: one record is lost" in result.output
    found = results(tmp_path / "out")
    assert found["holds"] is False
    assert {each["name"]: each["broken"] for each in found["drills"]} == {
        "holds": [],
        "breaks": ["one record is lost"],
        "fails": ["the drill itself failed: RuntimeError: no way"],
    }
    assert "RuntimeError" in (tmp_path / "out" / "fails" / "error.txt").read_text()


def test_an_unknown_drill_is_2_and_one_line(tmp_path: Path) -> None:
    result = invoke("holds", "unheard-of", "--out", str(tmp_path / "out"))
    assert (result.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert result.output == "faults: there is no drill unheard-of; --list says which there are\n"


def test_a_folder_of_something_else_is_2_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    assert invoke("holds", "--out", str(tmp_path)).exit_code == 2
    assert (tmp_path / "mine").read_text() == "keep me"


def test_the_same_seed_is_the_same_chance_whichever_drills_are_run(tmp_path: Path) -> None:
    def chance(*arguments: str) -> int:
        invoke(*arguments, "--out", str(tmp_path / "out"))
        return int({each["name"]: each for each in results(tmp_path / "out")["drills"]}["holds"]["counts"]["chance"])

    first = chance("holds", "--seed", "5")
    assert chance("breaks", "holds", "--seed", "5") == first
    assert chance("holds", "--seed", "6") != first


@pytest.mark.parametrize(
    ("options", "struck"),
    [((), [3, 3]), (("--full",), [100, 100]), (("--kills", "7"), [7, 3]), (("--full", "--kills", "7"), [7, 100])],
)
def test_how_often_it_strikes(tmp_path: Path, options: tuple[str, ...], struck: list[int]) -> None:
    invoke("holds", "breaks", *options, "--out", str(tmp_path / "out"))
    assert [each["counts"]["struck"] for each in results(tmp_path / "out")["drills"]] == struck


def test_the_list_says_what_there_is() -> None:
    result = invoke("--list")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "holds: a fault (3 or 100 kills)"


def test_the_real_drills_have_names_of_their_own() -> None:
    names = [each.name for each in ALL]
    assert len(set(names)) == len(names)
    assert all(0 < each.short <= each.full for each in ALL)


def test_rounds_are_added_up() -> None:
    rounds = [Outcome({"kills": 1, "files": 2}), Outcome({"kills": 2}, ("one",)), Outcome({}, ("two",))]
    assert together(rounds) == Outcome({"kills": 3, "files": 2}, ("one", "two"))
    assert together([]) == Outcome({})
