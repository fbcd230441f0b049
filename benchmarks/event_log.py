"""Event log: what Spark noted of its micro-batches, the same way for whatever job ran them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.errors import BenchmarkError

_PROGRESS: Final = "org.apache.spark.sql.streaming.StreamingQueryListener$QueryProgressEvent"
#: What the parts of a trigger make together.
TOTAL: Final = "triggerExecution"


@dataclass(frozen=True)
class MicroBatch:
    """One micro-batch of one query."""

    query: str
    #: When its trigger fired, epoch ms.
    began_ms: int
    rows: int
    #: Seconds, by Spark's name of the part; :data:`TOTAL` is all of them.
    parts: Mapping[str, float]

    @property
    def ended_ms(self) -> int:
        """When its trigger was done, epoch ms."""
        return self.began_ms + round(self.parts[TOTAL] * 1000)


def event_log_conf(folder: Path) -> dict[str, str]:
    """Give the settings of Spark with which it writes a log into a folder, which must be there."""
    return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder.as_uri()}


def read_batches(folder: Path) -> list[MicroBatch]:
    """Read the micro-batches that ran, in the order of their reports; triggers that found nothing are none.

    Raises:
        BenchmarkError: there is no log, or more than one.
    """
    files = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    if len(files) != 1:
        raise BenchmarkError(f"{folder}: holds {len(files)} event logs instead of one")
    return list(_batches(files[0]))


def _batches(file: Path) -> Iterator[MicroBatch]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            # Other events are many, and long.
            if _PROGRESS in line[:200]:
                event = json.loads(line)
                if event["Event"] == _PROGRESS and "addBatch" in event["progress"]["durationMs"]:
                    yield _batch(event["progress"])


def _batch(progress: Mapping[str, Any]) -> MicroBatch:
    began = datetime.fromisoformat(progress["timestamp"])
    rows = sum(int(source["numInputRows"]) for source in progress["sources"])
    parts = {name: milliseconds / 1000 for name, milliseconds in progress["durationMs"].items()}
    return MicroBatch(progress["name"], int(began.timestamp() * 1000), rows, parts)
