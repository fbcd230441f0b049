"""How far the fetching of history has come: a bar on a terminal, a line of log at times elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from coingecko.history import Tally

#: At five calls a minute a line a call would be a long log.
_LOG_EVERY_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


@contextmanager
def show_progress(
    console: Console, total: int, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[Tally], None]]:
    """Give what is to be told of each step towards ``total``; the last step is always shown."""
    if not console.is_terminal:
        yield _Lines(monotonic)
        return
    columns = (TextColumn("fetching"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, log_above():
        task = progress.add_task("", total=total)
        yield lambda tally: progress.update(task, completed=tally.done)


class _Lines:
    """Says how far it is, but not too often."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due = monotonic() + _LOG_EVERY_SECONDS

    def __call__(self, tally: Tally) -> None:
        if self._monotonic() < self._due and tally.done < tally.total:
            return
        self._due = self._monotonic() + _LOG_EVERY_SECONDS
        log.info("history: %d of %d chunks, %d points", tally.done, tally.total, tally.points)


@contextmanager
def log_above() -> Iterator[None]:
    """Let lines of log on the same terminal pass by way of the bar, so that neither writes over the other."""
    handlers = [
        (handler, handler.stream)
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream.isatty()
    ]
    for handler, _ in handlers:
        # While it shows its bar rich stands in for standard error.
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler, stream in handlers:
            handler.setStream(stream)
