"""Work bar: how far a long job of Spark has come, on a terminal; elsewhere the log says it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from jobs.terminal_bar import terminal_bar


@contextmanager
def work_bar(total: int, what: str, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Give what is to be called with how many more of ``total`` are done; where there are none no bar is shown."""
    console = console or Console(stderr=True)
    if not console.is_terminal or not total:
        yield lambda _: None
        return
    done = 0
    with terminal_bar(console, total, what) as told:

        def advance(more: int) -> None:
            nonlocal done
            done += more
            told(done)

        yield advance
