"""A system on this machine, looked at from the command line."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from jobs.status import Status
from pricestream.config import load_settings
from pricestream.lock import hold_folder
from producer.summary import Summary
from scripts.status_app.cli import status

ROOT = Path(__file__).resolve().parents[3]

app = typer.Typer()
app.command()(status)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


Look = Callable[..., Result]


@pytest.fixture
def overrides(tmp_path: Path) -> list[str]:
    places = {"csv": "csv", "checkpoint": "checkpoint", "status_file": "status.json"}
    below = [f"job.{name}={tmp_path}/{place}" for name, place in places.items()]
    return [*below, f"producer.state_dir={tmp_path}/producer", "producer.source=coingecko"]


@pytest.fixture
def look(overrides: list[str], tmp_path: Path) -> Look:
    """Run the command; it must leave every file as it was."""

    def run(*arguments: str) -> Result:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        sets = [part for each in overrides for part in ("--set", each)]
        result = CliRunner().invoke(app, [*sets, *arguments], env={"COLUMNS": "200"})
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        return result

    return run


def hold(folder: Path) -> Any:
    return hold_folder(folder, setting="x", holder="x", advice="x")


def run_producer(folder: Path, **more: Any) -> None:
    made = Summary("laptop", "coingecko", first_seq=1, seq=21, polls=1, sent=21, **more)
    fields = {name: getattr(made, name) for name in Summary.__dataclass_fields__}
    folder.mkdir(exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(fields | {"updated_ms": now_ms()}))


def write_csv(folder: Path, date: str, hour: int, age_seconds: float) -> Path:
    path = folder / "csv" / "interval=1m" / f"date={date}" / f"hour={hour:02d}" / "bars.csv"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    os.utime(path, (now_ms() / 1000 - age_seconds,) * 2)
    return path


def test_a_system_that_is_well(look: Look, tmp_path: Path) -> None:
    run_producer(tmp_path / "producer")
    well = Status("running", csv_files=2, published_ms=now_ms(), newest_arrival_ms=now_ms())
    (tmp_path / "status.json").write_bytes(well.to_json(now_ms()))
    write_csv(tmp_path, "2026-01-05", 9, 500)
    write_csv(tmp_path, "2026-01-06", 8, 90)
    write_csv(tmp_path, "2026-01-06", 7, 40)
    with hold(tmp_path / "producer"), hold(tmp_path / "checkpoint"):
        result = look()
        document = json.loads(look("--json").stdout)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "healthy"
    assert document["healthy"] is True
    assert {name: part["state"] for name, part in document["parts"].items()} == {
        "producer": "running",
        "job": "running",
        "CSV": "there",
    }
    # The one that changed last, of the newest date.
    assert document["parts"]["CSV"]["facts"]["newest"]["file"] == "interval=1m/date=2026-01-06/hour=07/bars.csv"


def test_where_nothing_ever_ran_it_says_so(look: Look, tmp_path: Path) -> None:
    result = look()
    assert result.exit_code == 8
    said = " ".join(result.output.split())
    assert f"producer: has not run here: there is no {tmp_path}/producer/summary.json" in said
    assert f"job: has not run here: there is no {tmp_path}/status.json" in said
    assert "not healthy: 2 things are wrong" in said


def test_a_job_that_was_killed_is_told_and_the_producer_goes_on(look: Look, tmp_path: Path) -> None:
    run_producer(tmp_path / "producer")
    (tmp_path / "status.json").write_bytes(Status("running").to_json(now_ms()))
    with hold(tmp_path / "checkpoint"):
        pass
    with hold(tmp_path / "producer"):
        result = look("--json")
    assert result.exit_code == 8
    [problem] = json.loads(result.stdout)["problems"]
    assert problem.startswith("job: was killed: it says running")


def test_files_that_went_are_told(look: Look, tmp_path: Path) -> None:
    run_producer(tmp_path / "producer")
    (tmp_path / "status.json").write_bytes(Status("running", csv_files=3).to_json(now_ms()))
    with hold(tmp_path / "producer"), hold(tmp_path / "checkpoint"):
        result = look("--json")
    assert json.loads(result.stdout)["problems"] == [
        f"CSV: {tmp_path}/csv is empty, and the job says that it wrote files"
    ]


def test_a_recording_that_has_ended_leaves_a_job_that_waits(look: Look, tmp_path: Path) -> None:
    run_producer(tmp_path / "producer", finished=True)
    old = Status("running", published_ms=1, newest_arrival_ms=1)
    (tmp_path / "status.json").write_bytes(old.to_json(now_ms()))
    with hold(tmp_path / "checkpoint"), hold(tmp_path / "producer"):
        pass
    with hold(tmp_path / "checkpoint"):
        assert look("--set", "producer.source=replay", "--set", "producer.replay.path=x").exit_code == 0
        # CoinGecko does not end.
        assert look().exit_code == 8


def test_a_file_that_may_not_be_read_is_said(look: Look, tmp_path: Path) -> None:
    run_producer(tmp_path / "producer")
    (tmp_path / "status.json").mkdir()
    with hold(tmp_path / "producer"):
        result = look("--json")
    assert result.exit_code == 8
    assert json.loads(result.stdout)["problems"] == [
        f"job: cannot be looked at: {tmp_path}/status.json: Is a directory"
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--config", "/no/such.yaml"], 2, "status: /no/such.yaml: cannot be read"),
        (["--region", "us-east-1"], 2, "status: --region goes with --stack"),
        (["--stack", "s", "--config", "x.yaml"], 2, "status: --stack and --config are two systems"),
        (["--set", "job.nonsense=1"], 2, "job.nonsense: unknown key"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], code: int, said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_settings_of_a_laptop_are_what_is_looked_at_by_default() -> None:
    result = CliRunner().invoke(app, ["--json"])
    name = load_settings(ROOT / "conf" / "local.yaml").stream.name
    assert json.loads(result.stdout)["system"] == f"stream {name}"


def test_the_help_says_what_the_exit_codes_are() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert "8 something is wrong" in " ".join(result.output.split())
