"""Plain progress lines: rich is not installed yet."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Numbered lines, one a step, with the seconds it took; on a terminal the seconds tick."""

    def __init__(self, out: TextIO, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._total = total
        self._clock = clock
        self._number = 0

    @contextmanager
    def step(self, title: str, hint: str) -> Iterator[Callable[[], None]]:
        """Announce a step; call what this yields about once a second while it lasts."""
        self._number += 1
        label = f"[{self._number}/{self._total}] {title} ..."
        started = self._clock()
        live = self._out.isatty()
        suffix = f" ({hint})" if hint else ""
        self._write(f"{label}{suffix}" + ("" if live else "\n"))

        def tick() -> None:
            if live:
                self._write(f"\r{label}{suffix} {self._clock() - started:.0f} s ")

        try:
            yield tick
        except BaseException:
            if live:
                self._write("\n")
            raise
        done = f"{label} done in {self._clock() - started:.0f} s"
        self._write((f"\r\x1b[K{done}" if live else done) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
