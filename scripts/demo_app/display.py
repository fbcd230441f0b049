"""Progress: two live bars on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from scripts.demo_app.reports import JobReport, ProducerReport

_PLAIN_EVERY_SECONDS: Final = 5.0
#: What Kinesis takes in one call.
_CALL_RECORDS: Final = 500


class Display:
    """Shows how far the producer and the job are."""

    def __init__(self, console: Console, market_ms: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Make the two bars.

        Args:
            console: where to show them.
            market_ms: how long the market lasts on its own clock; None where nobody knows.
            clock: seconds, for the plain lines.
        """
        self._console = console
        self._market_ms = market_ms
        self._clock = clock
        self._started = self._spoken = clock()
        self._said = ""
        # What a narrow screen has no room for is cut off at the end of the line.
        detail = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=8)),
            BarColumn(bar_width=12, table_column=Column(min_width=12)),
            TimeElapsedColumn(table_column=Column(min_width=7)),
            TextColumn("{task.fields[detail]}", markup=False, table_column=detail),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        self._producer = self._progress.add_task("producer", total=None, detail="starting")
        self._job = self._progress.add_task("job", total=None, detail="starting Spark")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, producer: ProducerReport, job: JobReport, *, note: str = "") -> None:
        """Show the newest reports.

        Args:
            producer: its report.
            job: its report.
            note: what to say of the producer while it has nothing to report.
        """
        of_producer, of_job = producer_line(producer) if producer.seq else (note or "starting"), job_line(job)
        done, total = _market(producer, self._market_ms)
        self._progress.update(self._producer, detail=of_producer, completed=done, total=total)
        self._progress.update(self._job, detail=of_job, completed=job.rows, total=producer.seq or None)
        if not self._console.is_terminal:
            self._say(f"producer: {of_producer}; job: {of_job}")

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _say(self, line: str) -> None:
        now = self._clock()
        if line != self._said and now - self._spoken >= _PLAIN_EVERY_SECONDS:
            self._said, self._spoken = line, now
            self.say(f"{now - self._started:4.0f} s  {line}")


def producer_line(report: ProducerReport) -> str:
    """Put the producer's report in a few words."""
    waiting = report.seq - report.sent
    # Less than a full call may always be on its way.
    unsent = f", {waiting:,} not sent yet" if waiting > _CALL_RECORDS else ""
    return f"{report.ticks:,} ticks, market at {moment(report.last_heartbeat_ms)}{unsent}"


def job_line(report: JobReport) -> str:
    """Put the job's report in a few words."""
    if report.state == "starting":
        return "starting Spark"
    closed = f", closed to {moment(report.watermark_ms)}" if report.watermark_ms is not None else ""
    return f"{report.rows:,} records, {report.bars:,} bars, {report.csv_files} files{closed}"


def moment(epoch_ms: int | None) -> str:
    """Write a time (epoch milliseconds) as ``2026-01-05T09:30Z``."""
    if epoch_ms is None:
        return "its start"
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _market(report: ProducerReport, market_ms: float | None) -> tuple[float, float | None]:
    if market_ms is None or report.first_event_ms is None or report.last_heartbeat_ms is None:
        return 0, None
    return min(report.last_heartbeat_ms - report.first_event_ms, market_ms), market_ms
