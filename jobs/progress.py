"""Progress: what a streaming query reports of its micro-batches."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pyspark.sql.streaming.query import StreamingQuery

#: One report, as Spark gives it.
Progress = Mapping[str, Any]


def last_report(query: StreamingQuery) -> Progress | None:
    """Read a query's newest report; None before the first."""
    report = query._jsq.lastProgress()  # noqa: SLF001 - see recent_reports
    return json.loads(report.json()) if report else None


def recent_reports(query: StreamingQuery) -> list[Progress]:
    """Read the reports that Spark keeps of a query, the oldest first.

    By their own text, as PySpark 3.5 does it. PySpark 4 asks the JVM for each value of each report instead, and gives
    some as other kinds: an offset is a text, and what was observed a row.
    """
    return [json.loads(report.json()) for report in query._jsq.recentProgress()]  # noqa: SLF001


def observed(progress: Progress | None, name: str) -> dict[str, Any]:
    """Read what was observed in a micro-batch; nothing where it is the report of an idle query, which has none."""
    counts = (progress or {}).get("observedMetrics", {}).get(name)
    return dict(counts or {})


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
