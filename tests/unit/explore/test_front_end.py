from collections.abc import Iterator
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from IPython.core.interactiveshell import InteractiveShell

from explore.front_end import draw_figures, mime_bundle, say_errors_in_one_line, watch
from pricestream.errors import StorageError


@pytest.fixture
def shell() -> Iterator[Any]:
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_persons_mistake_is_one_line_and_the_cell_fails(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    say_errors_in_one_line()
    shell.push({"StorageError": StorageError})
    result = shell.run_cell("raise StorageError('the lake is dry;\\n  fill it')")
    assert capsys.readouterr().out.strip() == "StorageError: the lake is dry; fill it"
    assert not result.success


def test_another_error_keeps_its_traceback(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    say_errors_in_one_line()
    assert not shell.run_cell("1 / 0").success
    assert "Traceback" in capsys.readouterr().out


def test_without_a_shell_nothing_is_set() -> None:
    say_errors_in_one_line()


def test_a_figure_needs_no_network() -> None:
    figure = go.Figure(layout={"title": {"text": "Prices"}})
    draw_figures(has_extension=True)
    bundle = mime_bundle(figure)
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/plain"}
    assert bundle["text/plain"] == "Prices"
    draw_figures(has_extension=False)
    page = mime_bundle(figure)["text/html"]
    draw_figures(has_extension=True)
    # The script itself, and no address that it would be fetched from; pytest would print all of it.
    is_whole, is_fetched = len(page) > 1_000_000, 'src="http' in page
    assert (is_whole, is_fetched) == (True, False)


def test_a_table_has_a_form_for_people_and_one_for_terminals() -> None:
    bundle = mime_bundle(pd.DataFrame({"coin": ["bitcoin"], "bars": [3]}))
    assert "<td>bitcoin</td>" in bundle["text/html"]
    assert bundle["text/plain"].split() == ["coin", "bars", "bitcoin", "3"]


class Clock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0

    def tell(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_view_is_shown_until_something_is_so_and_once_more(capsys: pytest.CaptureFixture[str]) -> None:
    clock, looks = Clock(), list[float]()

    def look() -> list[object]:
        looks.append(clock.now)
        return [f"look {len(looks)}", "and a second thing"]

    watch(look, until=lambda: clock.now >= 3, sleep=clock.sleep, clock=clock.tell)
    assert looks == [0, 1, 2, 3]
    # Without a front end that can replace what it shows, the last look is what is left.
    assert capsys.readouterr().out == "look 4\nand a second thing\n"


def test_a_view_ends_when_time_is_up() -> None:
    clock, looks = Clock(), list[float]()
    watch(lambda: looks.append(clock.now) or [], until=lambda: False, seconds=2, sleep=clock.sleep, clock=clock.tell)  # type: ignore[func-returns-value]
    assert looks == [0, 1, 2]


def test_an_interrupt_ends_the_view_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    watch(lambda: ["seen"], until=lambda: False, sleep=interrupted)
    assert capsys.readouterr().out == "seen\n"
