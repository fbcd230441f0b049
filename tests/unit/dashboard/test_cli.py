import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.__main__ import app
from tests.support.csv_tree import START, Published, bar

ROOT = Path(__file__).resolve().parents[3]


def said(*words: str) -> tuple[int, str]:
    """Give the exit code and what stands on standard error."""
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stderr


def test_help_names_the_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--config", "no-such.yaml"], 2, "no-such.yaml: cannot be read"),
        (["--set", "job.cvs=x"], 2, "did you mean csv?"),
        (["--csv", "ftp://somewhere/csv"], 5, "is neither a path, file:, s3:// nor s3a://"),
        (["--set", "job.s3.endpoint_url=http://127.0.0.1:1", "--csv", "s3://bucket/csv"], 5, "Could not connect"),
        (["--host", "256.1.2.3"], 1, "cannot listen on 256.1.2.3 port 0"),
    ],
)
def test_a_mistake_is_told_in_one_line(words: list[str], code: int, text: str) -> None:
    exit_code, stderr = said(*words)
    lines = [line for line in stderr.splitlines() if not line.startswith("warning:")]
    assert (exit_code, len(lines)) == (code, 1)
    assert lines[0].startswith("error: ")
    assert text in lines[0]


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, stderr = said("--csv", str(tmp_path), "--port", str(port))
    assert code == 1
    assert stderr == f"error: cannot listen on 127.0.0.1 port {port}: Address already in use; choose another --port\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_interrupted_and_writes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    Published(tmp_path / "csv").add(bar("bitcoin", START, 60, 1.0))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    command = [sys.executable, "-m", "dashboard", "--csv", str(tmp_path / "csv")]
    environ = {**os.environ, "BROWSER": "true", "AWS_SECRET_ACCESS_KEY": "a-secret-that-stays-here"}
    page = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        assert page.stdout
        line = page.stdout.readline()
        assert line.startswith("http://127.0.0.1:")
        assert line.endswith(f"/  shows {tmp_path}/csv; Ctrl-C ends it\n")
        port = int(line.split("/")[2].split(":")[1])
        for path in ("/", "/_dash-layout"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            assert b"a-secret-that-stays-here" not in answer.read()
            connection.close()
        page.send_signal(number)
        out, err = page.communicate(timeout=30)
    finally:
        page.kill()
    assert (page.returncode, out, err) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_another_address_than_loopback_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.serve.PageServer.run", lambda _self: None)
    code, stderr = said("--csv", str(tmp_path), "--host", "0.0.0.0")
    assert code == 0
    assert stderr == "warning: everybody who reaches 0.0.0.0 can see this page; there is no password\n"


def test_the_browser_is_opened_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("dashboard.serve.PageServer.run", lambda _self: None)
    monkeypatch.setattr("webbrowser.open", opened.append)
    said("--csv", str(tmp_path))
    assert opened == []
    said("--csv", str(tmp_path), "--open")
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")
