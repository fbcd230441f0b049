"""The streaming job, killed as by kill -9 between its first ticks commit and the commit of the offset."""

import os
import signal
from typing import Any

import jobs.stream
from jobs.stream_prices import app
from jobs.tables import append_ticks


def append_and_die(*args: Any) -> None:
    """Commit the rows, and take the whole process group down, the JVM with it."""
    append_ticks(*args)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    setattr(jobs.stream, "append_ticks", append_and_die)  # noqa: B010 - mypy takes an assignment for a mistake
    app()
