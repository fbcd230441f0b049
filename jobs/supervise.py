"""Supervise: watch the two queries, repair stragglers, say how far they are, and stop them gracefully."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pyspark.sql.streaming.query import StreamingQuery

from jobs.alerts.alerter import Alerter
from jobs.progress import (
    Progress,
    last_executed,
    last_report,
    next_version,
    recent_reports,
    was_executed,
    watermark_ms,
)
from jobs.query_error import QueryError, reason_of
from jobs.schedule import Schedule
from jobs.sink import BarSink
from jobs.status import Status, StatusFile
from jobs.storage import Store
from jobs.stragglers import StragglerRepair
from jobs.stream import COUNTS, NEWEST_ARRIVAL
from jobs.tables import log_entry
from pricestream.errors import StorageError

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.5
#: How long each query may take to finish its micro-batch, and how long the JVM waits for the whole stop.
_FINISH_SECONDS: Final = 30
_STOP_SECONDS: Final = 120


@dataclass
class Supervisor:
    """Runs until told to stop, by a signal or by a stop file."""

    ingest: StreamingQuery
    bars: StreamingQuery
    repair: StragglerRepair
    sink: BarSink
    status: Status
    status_file: StatusFile
    ticks_store: Store
    stop_store: Store
    stop_name: str
    stopping: threading.Event = field(default_factory=threading.Event)
    #: What else is done every so often while the queries run.
    tidying: Schedule | None = None
    #: Who tells of events, if the settings have rules for any.
    alerter: Alerter | None = None

    def __post_init__(self) -> None:
        """Start counting from here."""
        self._seen = {self.ingest.name: -1, self.bars.name: -1}
        self._last: dict[str, str] = {}

    def run(self) -> None:
        """Watch until a stop is asked for, then let each query finish the batch it is in.

        Raises:
            QueryError: a query failed; the message is the first line of its reason.
        """
        self.status.state = "running"
        try:
            while not self._is_stop_asked():
                self.look()
                if self.tidying:
                    self.tidying.look()
                self.stopping.wait(_LOOK_SECONDS)
            self._wind_down()
        except BaseException:
            self.status.state = "failed"
            self._write_status()
            raise
        finally:
            for query in (self.ingest, self.bars):
                finish(query)
            if self.tidying:
                self.tidying.stop()
        self.look()

    def _wind_down(self) -> None:
        """Land nothing more, and let what has landed still become bars."""
        self.status.state = "stopping"
        self._write_status()
        if self.tidying:
            self.tidying.break_off()
        finish(self.ingest)
        wait_until(lambda: self._is_caught_up(last_report(self.bars)), _FINISH_SECONDS)

    def look(self) -> None:
        """Take in what the queries report."""
        for query in (self.ingest, self.bars):
            self._check(query)
        for progress in self._executed(self.ingest, self._reports(self.ingest)):
            counts = dict(progress["observedMetrics"][COUNTS])
            self.status.count_ticks(counts)
            self.status.see_arrival(counts.get(NEWEST_ARRIVAL))
        reports = self._reports(self.bars)
        for progress in self._executed(self.bars, reports):
            self.status.batch = int(progress["batchId"])
            self.status.watermark_ms = watermark_ms(progress)
        self.status.rebuilt += self.repair.look_at(reports)
        self.status.bars, self.status.csv_files = self.sink.bars_written, len(self.sink.files)
        self.status.published_ms = self.sink.published_ms
        self.status.stale = tuple(sorted(self.sink.stale))
        self.status.settled = self._is_settled()
        self._write_status()
        self._tell_alerter()

    def _tell_alerter(self) -> None:
        if self.alerter:
            newest = self.status.newest_arrival_ms
            lag_s = None if newest is None else time.time() - newest / 1000
            self.alerter.look(published_s=self.sink.closed_s, lag_s=lag_s)

    def _is_settled(self) -> bool:
        """Tell whether all that has landed is read, and every micro-batch that read it was looked at."""
        last = last_report(self.bars)
        return self._is_caught_up(last) and last_executed(last) <= self.repair.checked_through

    def _is_caught_up(self, last: Progress | None) -> bool:
        """Tell whether bars has read every version of ``ticks``: the log has none of the number it wants next."""
        wanted = next_version(last)
        return wanted is not None and not self.ticks_store.exists(log_entry(wanted))

    def _write_status(self) -> None:
        try:
            self.status_file.write(self.status)
        except StorageError as error:
            # It only says how far the job is; it is no reason to end it.
            log.warning("the status is not written: %s", error)

    def _reports(self, query: StreamingQuery) -> list[Progress]:
        """Give a query's recent reports where there is a new one: to read them all is dear, the last one cheap."""
        last = last_report(query)
        if last is None or last["timestamp"] == self._last.get(query.name):
            return []
        self._last[query.name] = last["timestamp"]
        return recent_reports(query)

    def _executed(self, query: StreamingQuery, reports: list[Progress]) -> list[Progress]:
        """Choose the reports of micro-batches that ran and were not seen before."""
        seen = self._seen[query.name]
        new = [each for each in reports if was_executed(each) and int(each["batchId"]) > seen]
        if new:
            self._seen[query.name] = int(new[-1]["batchId"])
        return new

    def _is_stop_asked(self) -> bool:
        try:
            return self.stopping.is_set() or self.stop_store.exists(self.stop_name)
        except StorageError as error:
            log.warning("the stop file cannot be looked for: %s", error)
            return False

    def _check(self, query: StreamingQuery) -> None:
        error = query.exception()
        if error is not None:
            raise QueryError(f"the {query.name} query failed: {reason_of(error)}")


def finish(query: StreamingQuery, *, patience_seconds: float = _FINISH_SECONDS) -> None:
    """Stop a query between two micro-batches; in the middle of one only where it takes too long."""
    wait_until(lambda: not (query.isActive and query.status["isTriggerActive"]), patience_seconds)
    if query.isActive:
        query.stop()


def wait_until(is_so: Callable[[], bool], patience_seconds: float) -> None:
    """Wait for something, but not for ever."""
    until = time.monotonic() + patience_seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)


def stop_on_signals(stopping: threading.Event) -> None:
    """Let SIGTERM and Ctrl-C ask for a stop instead of ending the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())


def stop_on_shutdown(java: Any, stopping: threading.Event, stopped: threading.Event) -> Callable[[], None]:
    """Hold up the end of the JVM until the queries are stopped.

    Under spark-submit the process that is sent SIGTERM is the JVM, which would end the Spark context
    under a running batch. A hook that runs before Spark's own asks for the stop and waits for it.

    Returns:
        What takes the hook away again.
    """

    class Hook:
        def run(self) -> None:
            stopping.set()
            stopped.wait(_STOP_SECONDS)

        class Java:
            implements: Final = ["java.lang.Runnable"]

    manager = java.org.apache.hadoop.util.ShutdownHookManager.get()
    # A Java thread around it, never started: the manager hashes its hooks, and a Python one has no hashCode.
    hook = java.java.lang.Thread(Hook())
    seconds = java.java.util.concurrent.TimeUnit.SECONDS
    # Spark's own hooks have priorities up to 50; the higher ones run first.
    manager.addShutdownHook(hook, 100, _STOP_SECONDS + 5, seconds)

    def release() -> None:
        stopped.set()
        if not manager.isShutdownInProgress():
            manager.removeShutdownHook(hook)

    return release
