import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from scripts.demo_app.child import Children
from scripts.demo_app.live_page import LivePage
from scripts.demo_app.options import Options, SourceName
from scripts.demo_app.place import Place

PATIENCE_SECONDS = 30


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "demo" / "logs").mkdir(parents=True)
    return Place(tmp_path / "demo")


def checkout(tmp_path: Path, program: str) -> Path:
    """Make a checkout whose page is a program of Python."""
    script = tmp_path / "scripts" / "dashboard"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport signal, sys\n{program}\n")
    script.chmod(0o755)
    return tmp_path


def start(tmp_path: Path, place: Place, program: str, **more: Any) -> tuple[LivePage, Children, list[str]]:
    opened: list[str] = []
    children = Children({}, tmp_path)
    page = LivePage(children, checkout(tmp_path, program), place, open_url=opened.append, **more)
    return page, children, opened


def wait_for_end(page: LivePage) -> None:
    assert page._child.has_ended(PATIENCE_SECONDS)


def test_the_page_shows_the_demos_own_files_on_its_own_port(tmp_path: Path, place: Place) -> None:
    page, children, _ = start(tmp_path, place, "print(*sys.argv[1:])")
    with children:
        wait_for_end(page)
    port = page.url.removeprefix("http://127.0.0.1:").rstrip("/")
    assert place.log("page").read_text().split() == ["--csv", str(place.csv), "--port", port]


def test_the_browser_is_opened_once_the_page_answers_and_never_again(tmp_path: Path, place: Place) -> None:
    answers = iter([False, False, True])
    page, children, opened = start(tmp_path, place, "signal.pause()", is_up=lambda _: next(answers))
    said: list[str] = []
    with children:
        for _ in range(5):
            page.look(said.append)
    assert opened == [page.url]
    assert said == [f"The live page is at {page.url}"]


def test_a_page_that_dies_is_told_once_and_is_no_reason_to_end(tmp_path: Path, place: Place) -> None:
    page, children, opened = start(tmp_path, place, "sys.exit('no such port')", is_up=lambda _: False)
    said: list[str] = []
    with children:
        wait_for_end(page)
        page.look(said.append)
        page.look(said.append)
        page.stay(Event(), said.append)
    assert opened == []
    assert said == [f"There is no live page; the last words in {place.log('page')}: no such port"]


def test_the_page_stays_until_a_stop_is_asked_for(tmp_path: Path, place: Place) -> None:
    stop = Event()
    looks = 0

    def is_up(_port: int) -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            stop.set()
        return looks == 2

    page, children, opened = start(tmp_path, place, "signal.pause()", is_up=is_up)
    said: list[str] = []
    with children:
        page.stay(stop, said.append)
        assert page._child.exit_code is None
    assert page._child.exit_code is not None
    assert opened == [page.url]
    assert said[0] == f"The live page stays at {page.url} until Ctrl-C."


def test_no_page_is_opened_unless_it_is_asked_for() -> None:
    assert not Options(SourceName.SIMULATED).open_page
