"""Status: how far the job has come, in one small file that anything can read."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs.schema import STATUSES
from jobs.storage import open_file
from jobs.tables import read_ticks
from pricestream.json_text import parse_json
from pricestream.settings import Settings

#: How often it is written where nothing has changed, so that one that is old says that the job is dead or stuck.
BEAT_SECONDS: Final = 30


@dataclass
class Status:
    """The running totals. ``state`` is starting, running, stopping, stopped or failed."""

    state: str = "starting"
    ticks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("rows", *STATUSES), 0))
    #: Bars written and files replaced since the start.
    bars: int = 0
    #: The watermark of the last micro-batch of bars that ran, epoch ms; null before there is one.
    watermark_ms: int | None = None
    batch: int = -1
    csv_files: int = 0
    #: When a CSV file was last replaced, by this run or one before it, epoch ms.
    published_ms: int | None = None
    #: When the newest record that was read came to the stream, epoch ms.
    newest_arrival_ms: int | None = None
    rebuilt: int = 0
    #: The coins, each with its currency, that have gone stale since the start and had no fresh bar since.
    stale: tuple[str, ...] = ()
    #: Nothing that was read still waits to be windowed, repaired or published.
    settled: bool = False

    def count_ticks(self, counts: dict[str, int]) -> None:
        """Add what one micro-batch landed."""
        for name in self.ticks:
            self.ticks[name] += int(counts.get(name) or 0)

    def see_arrival(self, newest_ms: int | None) -> None:
        """Take in when the newest record of a micro-batch came, epoch ms; None where it had none."""
        if newest_ms is not None:
            self.newest_arrival_ms = max(int(newest_ms), self.newest_arrival_ms or 0)

    def to_json(self, updated_ms: int | None = None) -> bytes:
        """Serialise, as the file has it.

        Args:
            updated_ms: when that is, epoch ms.
        """
        document: dict[str, Any] = {
            "state": self.state,
            "updated_ms": updated_ms,
            "stream": {"newest_arrival_ms": self.newest_arrival_ms},
            "ticks": self.ticks,
            "bars": {
                "rows": self.bars,
                "watermark_ms": self.watermark_ms,
                "batch": self.batch,
                "rebuilt": self.rebuilt,
                "stale": self.stale,
            },
            "csv": {"files": self.csv_files, "published_ms": self.published_ms},
            "settled": self.settled,
        }
        return json.dumps(document, indent=1).encode()


def count_tables(spark: SparkSession, settings: Settings) -> Status:
    """Count the rows that ``ticks`` holds at a start."""
    status = Status()
    found = {row["status"]: row["count"] for row in read_ticks(spark, settings.job).groupBy("status").count().collect()}
    status.count_ticks({**found, "rows": sum(found.values())})
    return status


class StatusFile:
    """Writes the file where anything has changed, and now and then where nothing has."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        """Find the file's place; ``now_ms`` is the machine's clock."""
        self._store, self._name = open_file(settings.job.status_file, settings.job.s3, settings.stream.region)
        self._now_ms = now_ms
        self._written: bytes | None = None
        self._written_ms = 0

    def carry_over(self, status: Status) -> None:
        """Take what the last run said of its newest record and file: they do not become younger by a start."""
        try:
            before = parse_json(self._store.read(self._name) or b"{}")
            newest, published = before["stream"]["newest_arrival_ms"], before["csv"]["published_ms"]
        except (ValueError, KeyError, TypeError):
            return
        status.newest_arrival_ms = newest if isinstance(newest, int) else None
        status.published_ms = published if isinstance(published, int) else None

    def write(self, status: Status) -> None:
        """Replace the file whole."""
        data, now_ms = status.to_json(), self._now_ms()
        # Outside of the last beat, or before it where the clock was set back.
        is_due = not self._written_ms <= now_ms < self._written_ms + BEAT_SECONDS * 1000
        if data != self._written or is_due:
            self._store.write(self._name, status.to_json(now_ms))
            self._written, self._written_ms = data, now_ms
