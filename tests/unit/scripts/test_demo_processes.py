import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from typer.testing import CliRunner

from pricestream.settings import Settings, StreamSettings
from scripts.demo_app.__main__ import app
from scripts.demo_app.child import Child, Children, tail
from scripts.demo_app.environment import child_environment
from scripts.demo_app.errors import ChildDiedError, DemoError
from scripts.demo_app.place import Place
from scripts.demo_app.port import free_port
from scripts.demo_app.processes import Processes
from scripts.demo_app.signals import stop_on_signals
from scripts.demo_app.stand_in import StandIn, answers

ROOT = Path(__file__).resolve().parents[3]
WAIT = "import signal; signal.pause()"


@pytest.fixture
def children(tmp_path: Path) -> Children:
    return Children({"WORD": "abc"}, tmp_path)


def start(children: Children, program: str, tmp_path: Path) -> Child:
    return children.start("job", [sys.executable, "-c", program], tmp_path / "job.log")


def is_running(pid: int) -> bool:
    listing = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()[:1] not in ("", "Z")


def test_a_child_that_ends_with_an_error_is_told_with_its_last_words(children: Children, tmp_path: Path) -> None:
    with children:
        child = start(children, "import sys; print('boom'); sys.exit(4)", tmp_path)
        assert child.has_ended(30)
        with pytest.raises(ChildDiedError, match="exit code 4") as raised:
            child.check(may_end=True)
    assert str(raised.value).endswith("boom")
    assert raised.value.exit_code == 4


def test_a_child_that_was_killed_is_told_apart(children: Children, tmp_path: Path) -> None:
    with children:
        child = start(children, "import os; os.kill(os.getpid(), 9)", tmp_path)
        assert child.has_ended(30)
        with pytest.raises(ChildDiedError, match="signal 9") as raised:
            child.check()
    assert raised.value.exit_code == 1


def test_an_end_in_good_order_is_an_error_only_where_none_was_due(children: Children, tmp_path: Path) -> None:
    with children:
        child = start(children, "", tmp_path)
        assert child.has_ended(30)
        child.check(may_end=True)
        with pytest.raises(ChildDiedError, match="exit code 0"):
            child.check()


def test_a_running_child_is_well(children: Children, tmp_path: Path) -> None:
    with children:
        start(children, WAIT, tmp_path).check()


def test_leaving_ends_every_child_even_on_an_error(children: Children, tmp_path: Path) -> None:
    first, second = start(children, WAIT, tmp_path), start(children, WAIT, tmp_path)
    with pytest.raises(RuntimeError), children:
        raise RuntimeError
    assert first.exit_code == second.exit_code == -signal.SIGTERM


def test_ending_a_child_ends_what_it_started(children: Children, tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, signal\n"
        f"child = subprocess.Popen([sys.executable, '-c', '{WAIT}'])\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()\n"
    )
    with children:
        child = start(children, program, tmp_path)
        while not child.log.read_text().strip():
            child.check()
    grandchild = int(child.log.read_text())
    # Its parent is gone, so whoever adopts it reaps it, a moment later.
    for _ in range(1000):
        if not is_running(grandchild):
            return
        time.sleep(0.005)
    pytest.fail("the grandchild still runs")


def test_a_child_is_out_of_reach_of_the_terminals_ctrl_c(children: Children, tmp_path: Path) -> None:
    with children:
        child = start(children, "import os; print(os.getpgid(0), os.getsid(0), os.environ['WORD'])", tmp_path)
        assert child.has_ended(30)
    group, session, word = child.log.read_text().split()
    assert int(group) != os.getpgid(0)
    assert int(session) != os.getsid(0)
    assert word == "abc"


def test_the_tail_skips_empty_lines_and_says_so_where_there_is_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n\n  three  \n\n")
    assert tail(log, 2) == "two\n  three"
    log.write_text("\n")
    assert tail(log) == "(it said nothing)"
    log.write_text("what a \x1b[2Jrecord says\n")
    assert tail(log) == "what a \\x1b[2Jrecord says"


def test_no_account_of_a_persons_own_reaches_the_children() -> None:
    mine = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL": "https://elsewhere.example",
        "AWS_ACCESS_KEY_ID": "AKIAMINE",
        "SPARK_HOME": "/opt/another-spark",
        "PYSPARK_DRIVER_PYTHON": "jupyter",
        "PYTHONPATH": "/opt/another-spark/python",
        "COINGECKO_API_KEY": "kept",
        "JAVA_HOME": "/kept",
        "NO_PROXY": "example.org",
    }
    environ = child_environment(mine, Path("/venv/pyspark"), Path("/venv/bin/python"))
    assert environ["AWS_ACCESS_KEY_ID"] != "AKIAMINE"
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "PYTHONPATH", "PYSPARK_DRIVER_PYTHON"):
        assert name not in environ
    assert environ["SPARK_HOME"] == "/venv/pyspark"
    assert (environ["COINGECKO_API_KEY"], environ["JAVA_HOME"]) == ("kept", "/kept")
    assert environ["NO_PROXY"].split(",") == ["example.org", "127.0.0.1", "localhost"]
    assert environ["no_proxy"].split(",") == ["127.0.0.1", "localhost"]


@pytest.mark.parametrize("is_brief", [True, False])
def test_the_java_of_a_brief_demo_compiles_once(is_brief: bool) -> None:
    mine = {"SPARK_SUBMIT_OPTS": "-Dmine=1"}
    environ = child_environment(mine, Path("/spark"), Path("/python"), is_brief=is_brief)
    assert environ.get("SPARK_SUBMIT_OPTS") == ("-XX:TieredStopAtLevel=1" if is_brief else None)


def test_signals_are_a_question_while_the_demo_runs_and_what_they_were_after() -> None:
    stop = threading.Event()
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)
    assert signal.getsignal(signal.SIGTERM) is before


@dataclass
class FakeChild:
    """A process that ends some looks after it is asked to."""

    name: str
    events: list[str]
    ends_after: int = 0
    exit_code: int | None = None
    log: Path = Path("child.log")
    asked: bool = False

    def ask_to_stop(self) -> None:
        self.asked = True
        self.events.append(f"ask {self.name}")

    def pass_time(self) -> None:
        if self.asked and self.exit_code is None:
            self.ends_after -= 1
            if self.ends_after < 0:
                self.exit_code = 0
                self.events.append(f"{self.name} ended")

    def check(self, *, may_end: bool = False) -> None:
        assert may_end

    def end(self) -> None:
        self.events.append(f"end {self.name}")


@dataclass
class World:
    """A demo's processes, in a time that passes only when somebody waits."""

    place: Place
    rows_needed: int = 3
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.producer = FakeChild("producer", self.events, ends_after=2)
        self.job = FakeChild("job", self.events, ends_after=1)
        self.stand_in = FakeChild("stand-in", self.events)

    def processes(self) -> Processes:
        return Processes(Settings(), *(cast("Any", each) for each in (self.stand_in, self.job, self.producer)))

    def is_landed(self) -> bool:
        return self.rows_needed <= 0

    def wait(self) -> None:
        self.producer.pass_time()
        if self.producer.exit_code is not None:
            self.rows_needed -= 1
        if self.place.stop_file.exists() and not self.job.asked:
            self.job.asked = True
            self.events.append("stop file" if self.is_landed() else "stop file too early")
        self.job.pass_time()


def test_the_demo_stops_along_the_datas_way(tmp_path: Path) -> None:
    world = World(Place(tmp_path))
    world.processes().finish(world.place, world.is_landed, world.wait)
    assert world.events == ["ask producer", "producer ended", "stop file", "job ended", "end stand-in"]


def test_whoever_waits_can_break_off(tmp_path: Path) -> None:
    world = World(Place(tmp_path))

    def wait() -> None:
        raise DemoError("broken off")

    with pytest.raises(DemoError, match="broken off"):
        world.processes().finish(world.place, world.is_landed, wait)
    assert not world.place.stop_file.exists()


def test_the_stand_in_answers_and_holds_the_stream(tmp_path: Path) -> None:
    environ = child_environment(os.environ, Path("/spark"), Path(sys.executable))
    with Children(environ, ROOT) as children:
        stand_in = StandIn(children, tmp_path / "stand-in.log")
        stand_in.wait_until_ready()
        stand_in.create_stream(StreamSettings(name="prices", shards=2))
        client = boto3.client(
            "kinesis",
            region_name="us-east-1",
            endpoint_url=stand_in.endpoint_url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        assert client.describe_stream_summary(StreamName="prices")["StreamDescriptionSummary"]["OpenShardCount"] == 2
        assert client.meta.endpoint_url.startswith("http://127.0.0.1:")
    assert stand_in.child.exit_code is not None


def test_a_stand_in_that_dies_is_noticed_at_once(tmp_path: Path) -> None:
    with Children({"PYTHONHOME": "/nowhere"}, tmp_path) as children:
        stand_in = StandIn(children, tmp_path / "stand-in.log")
        with pytest.raises(ChildDiedError, match="stand-in"):
            stand_in.wait_until_ready()


def test_nothing_answers_on_a_free_port() -> None:
    assert not answers(free_port())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--source", "replay"], 2, "needs the recording"),
        (["/nowhere.csv"], 2, "no such file"),
        (["--config", "/nowhere.yaml"], 2, "cannot be read"),
        (["--set", "job.chekpoint=x"], 2, "did you mean checkpoint?"),
        (["--hours", "-1"], 2, "hours"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_cli(arguments)
    message = result.stderr
    assert result.exit_code == code
    assert said in message
    assert message.startswith("demo: ")
    assert message.count("\n") == 1
    assert capsys.readouterr().out == ""


def run_cli(arguments: list[str]) -> Any:
    return CliRunner().invoke(app, arguments)


def test_a_folder_that_is_not_the_demos_is_refused(tmp_path: Path, checked: Callable[[], None]) -> None:
    (tmp_path / "mine").touch()
    result = run_cli(["--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "not made by the demo" in result.stderr
    checked()


@pytest.fixture
def checked(tmp_path: Path) -> Callable[[], None]:
    def check() -> None:
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]

    return check
