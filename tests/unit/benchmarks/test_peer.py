"""Peers, and what happens where one cannot be installed."""

from pathlib import Path

import pytest

from benchmarks import backfill, streaming
from benchmarks import peer as peer_module
from benchmarks.command import run, timed
from benchmarks.errors import BenchmarkError
from benchmarks.peer import Peer, install_all


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    monkeypatch.setattr(peer_module, "ROOT", tmp_path)


@pytest.mark.parametrize("peer", [*backfill._PEERS, streaming._BYTEWAX, streaming._FLINK], ids=lambda peer: peer.name)
def test_what_a_peer_needs_is_locked_by_hash(root: Path, peer: Peer) -> None:
    lines = (root / "requirements" / f"bench-{peer.name}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if not line.startswith(" ")]
    assert any(line.startswith(f"{peer.package}==") for line in packages)
    assert all(line.endswith(" \\") and "==" in line for line in packages)
    assert (root / "benchmarks" / "peers" / f"{peer.name}.in").read_text().startswith(peer.package)


def _fail(*_: object, **__: object) -> str:
    raise BenchmarkError("pip ended with 1; see the log")


def test_one_that_cannot_be_installed_is_named_and_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "requirements" / "bench-polars.txt").write_text("polars==1\n")
    monkeypatch.setattr(peer_module, "run", _fail)
    there, versions, absent = install_all([Peer("polars", "polars")], tmp_path / "log")
    assert (there, versions) == ([], {})
    assert absent == {"polars": "polars cannot be installed: pip ended with 1; see the log"}


def test_one_that_is_there_as_locked_is_not_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "requirements" / "bench-polars.txt"
    lock.write_text("polars==1\n")
    (tmp_path / ".local" / "bench" / "polars").mkdir(parents=True)
    commands: list[list[object]] = []

    def note(command: list[object], *_: object, **__: object) -> str:
        commands.append(command)
        return "1.0\n"

    monkeypatch.setattr(peer_module, "run", note)
    polars = Peer("polars", "polars")
    assert polars.install(tmp_path / "log") == "1.0"
    assert [next(each for each in command if each in ("venv", "pip", "-c")) for command in commands] == [
        "venv",
        "pip",
        "-c",
    ]
    commands.clear()
    polars.install(tmp_path / "log")
    assert len(commands) == 1
    lock.write_text("polars==2\n")
    polars.install(tmp_path / "log")
    assert len(commands) == 4


def test_a_program_that_fails_is_said_with_its_code(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(BenchmarkError, match="sh ended with 7; see"):
        run(["sh", "-c", "echo it was me >&2; exit 7"], log)
    assert "it was me" in log.read_text()
    with pytest.raises(BenchmarkError, match="cannot be run: No such file"):
        timed([tmp_path / "nothing"], log)


def test_what_a_program_prints_is_given(tmp_path: Path) -> None:
    assert run(["sh", "-c", "echo 1.0"], tmp_path / "log") == "1.0\n"
