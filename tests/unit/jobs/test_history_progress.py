import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from coingecko.history import Tally
from jobs.history_progress import show_progress


def test_lines_of_log_are_half_a_minute_apart_and_the_last_is_always_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now = [0.0]
    with show_progress(Console(file=io.StringIO()), 10, lambda: now[0]) as on_step:
        for fetched in range(1, 11):
            now[0] += 12
            on_step(Tally(10, fetched=fetched, points=100 * fetched))
    assert [record.getMessage() for record in caplog.records] == [
        "history: 3 of 10 chunks, 300 points",
        "history: 6 of 10 chunks, 600 points",
        "history: 9 of 10 chunks, 900 points",
        "history: 10 of 10 chunks, 1000 points",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def logging_to(stream: io.StringIO) -> Iterator[None]:
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_line_of_log_goes_above_the_bar_where_both_are_on_a_terminal() -> None:
    bar, terminal, file = Terminal(), Terminal(), io.StringIO()
    with logging_to(terminal), logging_to(file):
        with show_progress(Console(file=bar, width=80), 3) as on_step:
            on_step(Tally(3, fetched=1, passed_over=1))
            logging.getLogger("anything").warning("while it runs")
        logging.getLogger("anything").warning("afterwards")
    assert "2/3" in bar.getvalue()
    assert "while it runs\n" in bar.getvalue()
    assert "afterwards" not in bar.getvalue()
    assert terminal.getvalue() == "afterwards\n"
    assert file.getvalue() == "while it runs\nafterwards\n"
