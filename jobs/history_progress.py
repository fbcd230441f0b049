"""How far the fetching of history has come: a bar on a terminal, a line of log at times elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from coingecko.history import Tally
from jobs.terminal_bar import terminal_bar

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
    with terminal_bar(console, total, "fetching") as told:
        yield lambda tally: told(tally.done)


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
