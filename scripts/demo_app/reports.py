"""What the producer and the job say of themselves, in small files that they keep up to date."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pricestream.job_settings import JobSettings


@dataclass(frozen=True, slots=True)
class ProducerReport:
    """How far the producer is; times are epoch milliseconds by the market's clock."""

    seq: int = 0
    sent: int = 0
    ticks: int = 0
    first_event_ms: int | None = None
    last_heartbeat_ms: int | None = None


@dataclass(frozen=True, slots=True)
class JobReport:
    """How far the job is.

    Attributes:
        state: ``starting``, ``running``, ``stopping``, ``stopped`` or ``failed``.
        rows: records landed in the ticks table.
        counts: the same by ``ok``, ``late``, ``rejected`` and ``heartbeat``.
        bars: bars written.
        watermark_ms: every window up to here is closed, epoch ms; None before the first.
        csv_files: CSV files written.
        settled: whether nothing that was read is still under way.
    """

    state: str = "starting"
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    bars: int = 0
    watermark_ms: int | None = None
    csv_files: int = 0
    settled: bool = False


def read_producer(path: Path) -> ProducerReport:
    """Read the producer's ``summary.json``; all zero while there is none."""
    content = _read(path)
    return ProducerReport(
        seq=content.get("seq", 0),
        sent=content.get("sent", 0),
        ticks=content.get("ticks", 0),
        first_event_ms=content.get("first_event_ms"),
        last_heartbeat_ms=content.get("last_heartbeat_ms"),
    )


def read_job(path: Path) -> JobReport:
    """Read the job's ``status.json``; all zero while there is none."""
    content = _read(path)
    ticks, bars = content.get("ticks", {}), content.get("bars", {})
    return JobReport(
        state=content.get("state", "starting"),
        rows=ticks.get("rows", 0),
        counts={name: ticks.get(name, 0) for name in ("ok", "late", "rejected", "heartbeat")},
        bars=bars.get("rows", 0),
        watermark_ms=bars.get("watermark_ms"),
        csv_files=content.get("csv", {}).get("files", 0),
        settled=content.get("settled", False),
    )


def is_landed(producer: ProducerReport, job: JobReport) -> bool:
    """Tell whether every record that the producer made is a row of the ticks table."""
    return job.rows >= producer.seq


def is_complete(producer: ProducerReport, job: JobReport, settings: JobSettings) -> bool:
    """Tell whether a finished producer's every window is closed, repaired and published.

    Args:
        producer: its last report.
        job: its newest report.
        settings: they say how far the watermark trails the newest record.
    """
    if producer.last_heartbeat_ms is None or job.watermark_ms is None:
        return False
    is_closed = job.watermark_ms >= settings.watermark_ms(producer.last_heartbeat_ms)
    return is_landed(producer, job) and is_closed and job.settled


def _read(path: Path) -> dict[str, Any]:
    # Both writers replace the file whole, so it is never half of one; it may not be there yet.
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}
