"""Status: how far the job has come, in one small file that anything can read."""

import json
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession

from jobs.schema import STATUSES
from jobs.storage import open_file
from jobs.tables import read_ticks
from pricestream.settings import Settings


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
    rebuilt: int = 0
    #: The coins, each with its currency, that have gone stale since the start and had no fresh bar since.
    stale: tuple[str, ...] = ()
    #: Nothing that was read still waits to be windowed, repaired or published.
    settled: bool = False

    def count_ticks(self, counts: dict[str, int]) -> None:
        """Add what one micro-batch landed."""
        for name in self.ticks:
            self.ticks[name] += int(counts.get(name) or 0)

    def to_json(self) -> bytes:
        """Serialise, as the file has it."""
        document: dict[str, Any] = {
            "state": self.state,
            "ticks": self.ticks,
            "bars": {
                "rows": self.bars,
                "watermark_ms": self.watermark_ms,
                "batch": self.batch,
                "rebuilt": self.rebuilt,
                "stale": self.stale,
            },
            "csv": {"files": self.csv_files},
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
    """Writes the file where anything has changed."""

    def __init__(self, settings: Settings) -> None:
        """Find the file's place."""
        self._store, self._name = open_file(settings.job.status_file, settings.job.s3, settings.stream.region)
        self._written: bytes | None = None

    def write(self, status: Status) -> None:
        """Replace the file whole."""
        data = status.to_json()
        if data != self._written:
            self._store.write(self._name, data)
            self._written = data
