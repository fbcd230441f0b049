"""CSV watch: when each final bar can first be read in the published files."""

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Final

from benchmarks.live_feed import Bar

_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class SeenBar:
    """A final bar that was read."""

    #: When the first file that has it had been read, epoch ms.
    seen_ms: int
    bar: Bar


@dataclass
class CsvWatch:
    """Reads the files of one interval anew whenever they change."""

    root: Path
    interval: str
    #: By coin and start of the window, epoch ms.
    seen: dict[tuple[str, int], SeenBar] = field(default_factory=dict)
    _known: dict[Path, tuple[int, int, int]] = field(default_factory=dict)

    def run(self, stopping: Event) -> None:
        """Look ten times a second until told to stop."""
        while not stopping.wait(_LOOK_SECONDS):
            self.look(lambda: time.time_ns() // 1_000_000)

    def look(self, now_ms: Callable[[], int]) -> None:
        """Read what has changed since the last look, and note what is there for the first time."""
        for path in self.root.glob(f"interval={self.interval}/date=*/hour=*/bars.csv"):
            stat = path.stat()
            # It is replaced, never changed: a new file has another number.
            version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._known.get(path) == version:
                continue
            self._known[path] = version
            text = path.read_text(encoding="utf-8")
            seen_ms = now_ms()
            for key, bar in _final_bars(text):
                self.seen.setdefault(key, SeenBar(seen_ms, bar))


def _final_bars(text: str) -> Iterator[tuple[tuple[str, int], Bar]]:
    starts: dict[str, int] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["is_final"] == "true":
            start = row["window_start"]
            if start not in starts:
                starts[start] = int(datetime.fromisoformat(start).timestamp()) * 1_000
            bar = Bar(float(row["open"]), float(row["close"]), int(row["tick_count"]))
            yield (row["coin_id"], starts[start]), bar
