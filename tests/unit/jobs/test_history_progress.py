import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from coingecko.history import Tally
from jobs.history_progress import show_progress
from jobs.work_bar import work_bar

LONG = f"{'long ' * 20}:smile: [bold]100%[/bold]"


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
            # Neither broken where the terminal ends, nor made into pictures or colours.
            logging.getLogger("anything").warning(LONG)
        logging.getLogger("anything").warning("afterwards")
    assert "2/3" in bar.getvalue()
    assert f"{LONG}\n" in bar.getvalue()
    assert "afterwards" not in bar.getvalue()
    assert terminal.getvalue() == "afterwards\n"
    assert file.getvalue() == f"{LONG}\nafterwards\n"


def screen(written: str) -> list[str]:
    """The lines that a terminal shows, whose cursor goes to the start of its line and clears it."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", written):
        if part == "\x1b[2K":
            lines[-1] = ""
        elif part in "\r\n":
            column = 0
            lines += [""] * (part == "\n")
        elif not part.startswith("\x1b"):
            lines[-1] = f"{lines[-1][:column]:{column}}{part}{lines[-1][column + len(part) :]}"
            column += len(part)
    return [line.rstrip() for line in lines if line.strip()]


def test_a_line_that_somebody_else_writes_is_whole_too() -> None:
    terminal = Terminal()
    jvm = "2026-01-05T09:00:00.000Z WARN DAGScheduler: Broadcasting large task binary with size 1200.6 KiB"
    console = Console(file=terminal, width=120)
    with work_bar(20_000_000, "ticks", console) as advance:
        advance(10_000_000)
        terminal.write(f"{jvm}\n")
        advance(10_000_000)
    shown = screen(terminal.getvalue())
    assert shown[0] == jvm
    assert [line.split()[0] for line in shown[1:]] == ["ticks"]
    assert "20000000/20000000" in shown[1]


def test_there_is_no_bar_for_no_work() -> None:
    terminal = Terminal()
    with work_bar(0, "ticks", Console(file=terminal)):
        pass
    assert terminal.getvalue() == ""
