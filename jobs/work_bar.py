"""Work bar: how far a long job of Spark has come, on a terminal; elsewhere the log says it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from jobs.history_progress import log_above


@contextmanager
def work_bar(total: int, what: str, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Give what is to be called with how many more of ``total`` are done."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, log_above():
        task = progress.add_task("", total=total)
        yield lambda done: progress.advance(task, done)
