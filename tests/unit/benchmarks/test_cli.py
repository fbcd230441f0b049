"""The command line, with benchmarks that measure nothing."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import cli
from benchmarks.bench import Bench, Benchmark
from benchmarks.errors import BenchmarkError
from benchmarks.figure import Figure
from benchmarks.result import Measured, Result

app = typer.Typer()
app.command()(cli.bench)


def _good(bench: Bench) -> Result:
    bench.say("working")
    seconds = Figure(tuple(float(each + 1) for each in range(bench.rounds)))
    return Result("good", "a good one", {"ticks": bench.ticks or 1}, [Measured("all", "ours", seconds, "s")])


def _bad(_: Bench) -> Result:
    raise BenchmarkError("they: its bars are not ours")


_ALL = (Benchmark("bad", "a bad one", _bad), Benchmark("good", "a good one", _good, is_scalable=True))


@pytest.fixture(autouse=True)
def benchmarks_of_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    # It would be set for all tests that follow.
    monkeypatch.setattr(cli, "java_home", lambda: None)
    monkeypatch.setattr(cli, "_commit", lambda: "abc1234")
    monkeypatch.setattr(cli, "ALL", _ALL)


def test_it_lists_what_there_is() -> None:
    done = CliRunner().invoke(app, ["--list"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["bad: a bad one", "good: a good one"]


def test_it_writes_what_was_measured(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["good", "--quick", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "good-quick.json").read_text())
    assert document["quick"] is True
    assert document["benchmarks"][0]["measured"][0]["runs"] == [1.0, 2.0, 3.0]
    assert "| all | ours | 2.00 s |" in (tmp_path / "out" / "good-quick.md").read_text()


def test_one_that_fails_is_said_in_a_line_and_the_others_go_on(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "error: bad: they: its bars are not ours" in done.stderr
    document = json.loads((tmp_path / "out" / "good.json").read_text())
    assert [each["name"] for each in document["benchmarks"]] == ["good"]
    assert len(document["benchmarks"][0]["measured"][0]["runs"]) == 5


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["goood", "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "there is no benchmark goood" in done.stderr
    assert not (tmp_path / "out").exists()


def test_so_many_ticks_and_runs_are_a_result_of_their_own(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["good", "--ticks", "5000000", "--runs", "1", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    [benchmark] = json.loads((tmp_path / "out" / "good-5000000.json").read_text())["benchmarks"]
    assert (benchmark["size"], benchmark["measured"][0]["runs"]) == ({"ticks": 5_000_000}, [1.0])


def test_a_number_of_ticks_is_refused_where_it_would_mean_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--ticks", "5", "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "--ticks and --runs are for good, not for bad; name those alone" in done.stderr
    assert not (tmp_path / "out").exists()
