"""What the streaming tests share: streams of their own, and the job in a thread of this process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.kinesis_stream import Stream
from faults.lake import csv_tree, is_settled, job_arguments, status_of
from faults.market import closing, market
from jobs.stream_job import supervise
from jobs.tables import read_bars
from pricestream.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "RunningJob",
    "StartJob",
    "Stream",
    "closing",
    "csv_tree",
    "is_settled",
    "job_arguments",
    "market",
    "minute_bars",
    "running_jobs",
    "status_of",
    "wait_for",
]

PATIENCE_SECONDS = 180


def wait_for(what: str, is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


@dataclass
class RunningJob:
    """The streaming job in a thread of this process, with the session that all tests share."""

    settings: Settings
    stopping: threading.Event
    thread: threading.Thread
    errors: list[BaseException]

    @classmethod
    def start(cls, spark: "SparkSession", settings: Settings) -> "RunningJob":
        """Run it as its entry does, in a session that is there already."""
        Path(settings.job.status_file).unlink(missing_ok=True)
        stopping, errors = threading.Event(), list[BaseException]()

        def run() -> None:
            try:
                supervise(spark, settings, stopping)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                errors.append(error)

        job = cls(settings, stopping, threading.Thread(target=run), errors)
        job.thread.start()
        return job

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        wait_for(what, lambda: bool(self.errors) or is_so())
        if self.errors:
            raise self.errors[0]

    def settle(self, *, rows: int, watermark_ms: int) -> dict[str, Any]:
        """Wait until every record is a row and every window before the watermark is published."""
        self.wait(
            f"{rows} rows and a watermark of {watermark_ms}",
            lambda: is_settled(self.settings, rows=rows, watermark_ms=watermark_ms),
        )
        return status_of(self.settings)

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()


def minute_bars(spark: "SparkSession", settings: Settings) -> "DataFrame":
    """The stored bars of one minute, without the gaps."""
    return read_bars(spark, settings.job).filter("interval = '1m' AND NOT gap")


StartJob = Callable[[Settings], RunningJob]


@contextmanager
def running_jobs(spark: "SparkSession") -> Iterator[StartJob]:
    """Start jobs in the session that is there, and stop them all at the end."""
    running: list[RunningJob] = []

    def start(settings: Settings) -> RunningJob:
        running.append(RunningJob.start(spark, settings))
        return running[-1]

    try:
        yield start
    finally:
        for job in running:
            job.stop()
        for query in spark.streams.active:
            query.stop()
