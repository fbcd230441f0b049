import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explore.local_stream import running_stand_in
from scripts.demo_app.place import prepare
from scripts.local_env.checkout import Checkout
from scripts.notebook_app.__main__ import app
from scripts.notebook_app.git_filter import strip, to_text
from scripts.notebook_app.lab import lab_command
from scripts.notebook_app.stream import stand_in_of

NOTEBOOKS = ["01_producer", "02_stream", "03_analysis", "04_backfill"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_holds_nothing_that_a_run_has_left(root: Path, name: str) -> None:
    text = (root / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count") is not None] == []
    # Nor anything else that differs from run to run, or from one front end to another.
    assert text == to_text(strip(json.loads(text)))


def test_there_is_no_other_notebook(root: Path) -> None:
    assert sorted(path.stem for path in (root / "notebooks").glob("*.ipynb")) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_installs_nothing_and_says_what_it_needs(root: Path, name: str) -> None:
    cells = json.loads((root / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert re.findall(r"pip install|^[!%]", code, re.MULTILINE) == []
    assert "**It needs**" in "".join(cells[0]["source"])


def test_a_run_is_taken_out_of_a_notebook(root: Path) -> None:
    before = (root / "notebooks" / "01_producer.ipynb").read_text(encoding="utf-8")
    ran = json.loads(before)
    for number, cell in enumerate(ran["cells"]):
        cell["metadata"] = {"scrolled": True}
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a secret"]}]
    ran["metadata"] = {"kernelspec": {"name": "mine"}, "widgets": {}}
    command = [sys.executable, "-m", "scripts.notebook_app.git_filter"]
    answer = subprocess.run(command, input=json.dumps(ran), capture_output=True, text=True, cwd=root, check=True)
    assert answer.stdout == before


def test_what_is_no_notebook_goes_through_the_filter_as_it_is(root: Path) -> None:
    command = [sys.executable, "-m", "scripts.notebook_app.git_filter"]
    answer = subprocess.run(command, input="{<<<<<<<", capture_output=True, text=True, cwd=root, check=True)
    assert answer.stdout == "{<<<<<<<"


def test_the_lab_is_that_of_the_environment_and_asks_nothing_of_the_network(root: Path) -> None:
    checkout = Checkout(root)
    command = lab_command(checkout, port=1234, browser=False)
    assert command[0] == str(checkout.python)
    assert {"--ServerApp.port=1234", "--no-browser"} < set(command)
    config = json.loads((root / "conf" / "jupyter" / "jupyter_lab_config.json").read_text(encoding="utf-8"))
    assert (config["ServerApp"]["ip"], config["ServerApp"]["allow_remote_access"]) == ("127.0.0.1", False)
    assert config["LabApp"]["news_url"] is None
    assert config["LabApp"]["check_for_updates_class"] == "jupyterlab.NeverCheckForUpdate"


def test_the_stand_in_is_there_for_the_notebooks_and_goes_with_the_lab(root: Path, tmp_path: Path) -> None:
    with prepare(tmp_path / "lake", keep=False) as folder:
        with stand_in_of(folder, os.environ, Checkout(root)) as url:
            assert running_stand_in(folder.root) == url
        assert running_stand_in(folder.root) is None


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def test_jupyterlab_starts_on_loopback_with_a_token(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "lab.log"
    # A lake to look at: nothing is emptied, and no stand-in is started.
    command = [sys.executable, "-P", "-m", "scripts.notebook_app", "--no-browser", "--lake", str(tmp_path / "lake")]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(root)}
    with log.open("w") as out:
        process = subprocess.Popen([*command, "--port", "18888"], stdout=out, stderr=out, cwd=tmp_path, env=environ)
    try:
        until = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/lab\?token=(\w+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        # The address is told just before anyone listens there.
        while not listens(int(found[1])):
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        base = f"http://127.0.0.1:{found[1]}/api/contents"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        listing = json.load(opener.open(f"{base}?token={found[2]}", timeout=30))
        assert {f"{name}.ipynb" for name in NOTEBOOKS} <= {each["name"] for each in listing["content"]}
        with pytest.raises(urllib.error.HTTPError, match="403"):
            opener.open(base, timeout=30)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert list((tmp_path / "lake").glob("*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "bloomberg"], "neither simulated nor coingecko"),
        (["--set", "job.bars_interval=1m"], "unknown key"),
        (["--config", "here.yaml", "--lake", "there"], "--lake goes with the project's own settings"),
    ],
)
def test_a_persons_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["--no-browser", *arguments])
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert said in answer.stderr
