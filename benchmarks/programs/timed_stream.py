"""Timed stream: the streaming job as it is, and how long each step takes after a micro-batch's own work.

``timed_stream.py STEPS --config FILE``: a line of JSON for each step, with its name, when it began (epoch ms) and how
many seconds it took, is added to STEPS; what follows is the job's own command line.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import jobs.sink
import jobs.stream
from jobs.sink import BarSink
from jobs.stream_prices import app

#: What is timed: where its name is looked up, and what it is called here. ``close`` has all others in it but ``land``.
_STEPS: Final = (
    (jobs.stream, "append_ticks", "land"),
    (BarSink, "close", "close"),
    (jobs.sink, "_files", "derive"),
    (jobs.sink, "upsert_bars", "merge"),
    (jobs.sink, "publish", "publish"),
)


def _timed(function: Callable[..., Any], name: str, path: Path) -> Callable[..., Any]:
    @wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        began_ms, began = time.time_ns() // 1_000_000, time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            step = {"step": name, "began_ms": began_ms, "seconds": time.perf_counter() - began}
            with path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(step) + "\n")

    return timed


if __name__ == "__main__":
    steps = Path(sys.argv.pop(1))
    for owner, attribute, step_name in _STEPS:
        setattr(owner, attribute, _timed(getattr(owner, attribute), step_name, steps))
    app()
