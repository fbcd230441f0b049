"""Terminal bar: how far a long job has come, in one line of a terminal that lines of log pass by whole."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleRenderable, RenderHook
from rich.control import Control
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.segment import ControlType
from rich.text import Text

#: So short that the whole line is shorter than any of Spark's own, which may be written over it.
_BAR_WIDTH = 20


@contextmanager
def terminal_bar(console: Console, total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar, and give what is to be called with how many of ``total`` are done."""
    columns = (
        TextColumn(what),
        BarColumn(_BAR_WIDTH),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress, _cursor_in_front(console), _log_above(console):
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done)


class _CursorInFront(RenderHook):
    """Puts the cursor in front of the bar: the JVM's lines, which nobody can catch, begin there and not behind it."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [*renderables, Control(ControlType.CARRIAGE_RETURN)]


@contextmanager
def _cursor_in_front(console: Console) -> Iterator[None]:
    console.push_render_hook(_CursorInFront())
    try:
        yield
    finally:
        console.pop_render_hook()


class _Above:
    """A stream whose lines the console writes above its bar, and leaves as long as they are."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        self._console.print(Text(text.rstrip("\n")), soft_wrap=True)

    def flush(self) -> None:
        """Nothing waits here."""


@contextmanager
def _log_above(console: Console) -> Iterator[None]:
    """Let lines of log for a terminal pass by way of the bar's console, so that neither writes over the other."""
    handlers = [(handler, handler.stream) for handler in _on_terminals(logging.getLogger().handlers)]
    for handler, _ in handlers:
        handler.setStream(_Above(console))
    try:
        yield
    finally:
        for handler, stream in handlers:
            handler.setStream(stream)


def _on_terminals(handlers: Iterable[logging.Handler]) -> list[Any]:
    streams = (handler for handler in handlers if isinstance(handler, logging.StreamHandler))
    return [handler for handler in streams if handler.stream.isatty()]
