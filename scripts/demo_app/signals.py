"""Ctrl-C and its kin, as a question to ask instead of an exception anywhere."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(stop: Event) -> Iterator[None]:
    """Set ``stop`` at Ctrl-C, at SIGTERM, and when the terminal goes away, while the block lasts."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
