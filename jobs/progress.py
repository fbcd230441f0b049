"""Progress: what a streaming query reports of its micro-batches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

#: One report, as Spark gives it.
Progress = Mapping[str, Any]


def was_executed(progress: Progress) -> bool:
    """Tell a micro-batch that ran from the report of an idle query, which has the next one's number."""
    return "addBatch" in progress["durationMs"]


def last_executed(progress: Progress | None) -> int:
    """Give the number of the newest micro-batch that has run by the time of a report; -1 before the first."""
    if progress is None:
        return -1
    number = int(progress["batchId"])
    return number if was_executed(progress) else number - 1


def rows_dropped(progress: Progress) -> int:
    """How many rows came too late for the state of a micro-batch."""
    return sum(int(operator["numRowsDroppedByWatermark"]) for operator in progress["stateOperators"])


def watermark_ms(progress: Progress) -> int | None:
    """Read the watermark that a micro-batch ran with, epoch ms; None before there is one."""
    text = progress.get("eventTime", {}).get("watermark")
    moment = None if text is None else int(datetime.fromisoformat(text).timestamp() * 1000)
    return moment or None


def next_version(progress: Progress | None) -> int | None:
    """Read which version of a Delta table a query wants next; None while it is inside one, or has read none."""
    offset = progress["sources"][0]["endOffset"] if progress and progress["sources"] else None
    # Below 0 stands for the start of the version.
    return int(offset["reservoirVersion"]) if offset and int(offset["index"]) < 0 else None
