"""Dying job: the streaming job, which takes itself down at a named point as kill -9 does, the JVM with it.

``spark-submit faults/dying_job.py POINT --config …``
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import jobs.publish
import jobs.sink
import jobs.stream
from jobs.batches import Batches
from jobs.checkpoint import Checkpoint
from jobs.stream_prices import app


def _die(group: int) -> None:
    os.killpg(group, signal.SIGKILL)


def _after(module: Any, name: str) -> None:
    inner = getattr(module, name)

    def dies(*args: Any, **kwargs: Any) -> None:
        inner(*args, **kwargs)
        _die(0)

    setattr(module, name, dies)


def _before(module: Any, name: str) -> None:
    setattr(module, name, lambda *_, **__: _die(0))


def _in_the_middle_of_publishing() -> None:
    """Die once one file is replaced, in the process of an executor, whose group is another."""
    group = os.getpgrp()
    inner = jobs.publish._replace_files  # noqa: SLF001 - a drill looks inside

    def make(*args: Any) -> Callable[[Batches], Batches]:
        run = inner(*args)

        def dies(batches: Batches) -> Iterator[Any]:
            for receipt in run(batches):
                _die(group)
                yield receipt

        return dies

    setattr(jobs.publish, "_replace_files", make)  # noqa: B010 - mypy takes an assignment for a mistake


POINTS: Final[dict[str, Callable[[], None]]] = {
    "after-ticks": lambda: _after(jobs.stream, "append_ticks"),
    "before-bars": lambda: _before(jobs.sink, "upsert_bars"),
    "after-bars": lambda: _before(jobs.sink, "publish"),
    "mid-publishing": _in_the_middle_of_publishing,
    "after-publishing": lambda: _after(jobs.sink, "publish"),
    "before-offsets": lambda: _after(Checkpoint, "mark_closed"),
}

if __name__ == "__main__":
    POINTS[sys.argv.pop(1)]()
    app()
