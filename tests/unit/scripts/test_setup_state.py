import fcntl
import json
from io import StringIO
from pathlib import Path

import pytest

from scripts.local_env.errors import UntouchedError
from scripts.local_env.lock import exclusive
from scripts.local_env.progress import Progress
from scripts.local_env.state import State, digest


def test_a_finished_step_is_remembered_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "venv" / "setup.json"
    with State(path).doing("run", "k1"):
        pass
    again = State(path)
    assert again.is_done("run", "k1")
    assert not again.is_done("run", "k2")
    assert not again.is_done("test", "k1")
    assert again.interrupted is None


def test_a_step_that_fails_is_remembered_as_interrupted_and_not_as_done(tmp_path: Path) -> None:
    path = tmp_path / "setup.json"
    with pytest.raises(RuntimeError), State(path).doing("run", "k"):
        raise RuntimeError
    again = State(path)
    assert again.interrupted == "run"
    assert not again.is_done("run", "k")


def test_a_step_that_failed_before_it_changed_anything_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "setup.json"
    state = State(path)
    with state.doing("run", "old"):
        pass
    with pytest.raises(UntouchedError), state.doing("run", "new"):
        raise UntouchedError
    again = State(path)
    assert again.interrupted is None
    assert again.is_done("run", "old")


def test_the_step_under_way_is_on_disk_while_it_lasts(tmp_path: Path) -> None:
    # What a kill -9 would leave behind.
    path = tmp_path / "setup.json"
    with State(path).doing("test", "k"):
        assert State(path).interrupted == "test"


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_file_counts_as_nothing_done(tmp_path: Path, content: str) -> None:
    path = tmp_path / "setup.json"
    path.write_text(content)
    state = State(path)
    assert not state.is_done("run", "k")
    assert state.interrupted is None


def test_reset_forgets_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "setup.json"
    path.write_text(json.dumps({"done": {"run": "k"}, "under_way": "test"}))
    state = State(path)
    state.reset()
    assert not state.is_done("run", "k")
    assert state.interrupted is None


def test_the_digest_tells_content_and_order_apart(tmp_path: Path) -> None:
    one, two, joined, empty = (tmp_path / name for name in "abcd")
    one.write_text("x")
    two.write_text("y")
    joined.write_text("xy")
    empty.write_text("")
    assert len({digest(one), digest(two), digest(one, two), digest(two, one), digest(joined, empty)}) == 5


def test_a_second_setup_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    path = tmp_path / ".local" / "setup.lock"
    path.parent.mkdir()
    other = path.open("a")
    fcntl.flock(other, fcntl.LOCK_EX)
    waited = []

    def release() -> None:
        waited.append(True)
        other.close()

    with exclusive(path, release), path.open("a") as third, pytest.raises(BlockingIOError):
        fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert waited == [True]


def test_the_lock_is_free_again_afterwards_and_nobody_waits(tmp_path: Path) -> None:
    waited: list[bool] = []
    for _ in range(2):
        with exclusive(tmp_path / "setup.lock", lambda: waited.append(True)):
            pass
    assert waited == []


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_in_a_log_is_two_plain_lines_a_step() -> None:
    out = StringIO()
    moments = iter([0.0, 94.4, 100.0, 107.0])
    progress = Progress(out, 2, lambda: next(moments))
    with progress.step("Python packages", "about 2 minutes"):
        pass
    with progress.step("Spark jars", "") as on_wait:
        on_wait()
    assert out.getvalue().splitlines() == [
        "[1/2] Python packages ... (about 2 minutes)",
        "[1/2] Python packages ... done in 94 s",
        "[2/2] Spark jars ...",
        "[2/2] Spark jars ... done in 7 s",
    ]


def test_progress_on_a_terminal_counts_the_seconds_in_place() -> None:
    out = Terminal()
    moments = iter([0.0, 3.0, 5.0])
    with Progress(out, 1, lambda: next(moments)).step("Spark jars", "") as on_wait:
        on_wait()
    said = out.getvalue()
    assert "\r[1/1] Spark jars ... 3 s " in said
    assert said.endswith("[1/1] Spark jars ... done in 5 s\n")
    assert said.count("\n") == 1


def test_a_step_that_fails_does_not_claim_to_be_done() -> None:
    out = Terminal()
    with pytest.raises(RuntimeError), Progress(out, 1).step("Spark jars", ""):
        raise RuntimeError
    assert "done" not in out.getvalue()
    assert out.getvalue().endswith("\n")
