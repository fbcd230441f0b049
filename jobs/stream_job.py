"""The streaming job, put together: checks, then the two queries, then the supervisor until a stop."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession

from jobs.alerts.alerting import alerting
from jobs.alerts.channels import webhook_url
from jobs.application import open_session
from jobs.checkpoint import Checkpoint, open_checkpoint
from jobs.horizon import final_through_s
from jobs.lease import hold_checkpoint
from jobs.maintain import keep_as_set, tidy
from jobs.metrics import job_metrics
from jobs.report import write_report
from jobs.schedule import Mark, Schedule
from jobs.sink import BarSink
from jobs.source import find_stream
from jobs.status import Status, StatusFile, count_tables
from jobs.storage import open_file, open_store
from jobs.stragglers import StragglerRepair
from jobs.stream import start_bars, start_ingest
from jobs.supervise import Supervisor, stop_on_shutdown, stop_on_signals
from jobs.tables import create_tables
from pricestream.errors import StorageError
from pricestream.settings import Settings

log = logging.getLogger(__name__)


def run_stream(settings: Settings) -> None:
    """Check what can be checked without Spark, then stream until told to stop.

    Raises:
        PricestreamError: the stream does not exist, the checkpoint is another's, or in use, or a query failed.
    """
    stopping, stopped = threading.Event(), threading.Event()
    stop_on_signals(stopping)
    with (
        _held_checkpoint(settings, stopping),
        open_session(settings) as spark,
        _graceful_shutdown(spark, stopping, stopped),
    ):
        supervise(spark, settings, stopping)


def stream_in(spark: SparkSession, settings: Settings, stopping: threading.Event) -> None:
    """Stream in a session that is there already and stays, such as a notebook's, until ``stopping`` is set.

    Raises:
        PricestreamError: see :func:`run_stream`.
    """
    with _held_checkpoint(settings, stopping):
        supervise(spark, settings, stopping)


def supervise(spark: SparkSession, settings: Settings, stopping: threading.Event) -> None:
    """Run the queries in a session that is there already, until ``stopping`` is set."""
    create_tables(spark, settings.job)
    keep_as_set(spark, settings.job)
    checkpoint = open_checkpoint(settings)
    status = count_tables(spark, settings)
    status_file = StatusFile(settings)
    status_file.carry_over(status)
    # Before anything is looked up: a backfill that sees it leaves the windows that are open to the stream.
    status_file.write(status)
    closed_s, final_s = checkpoint.closed_through_s(), final_through_s(spark, settings)
    sink = BarSink(settings, closed_s, final_s, published_ms=status.published_ms)
    stop_store, stop_name = open_file(settings.job.stop_file, settings.job.s3, settings.stream.region)
    with (
        job_metrics(spark, settings, checkpoint, sink, status.newest_arrival_ms),
        alerting(spark, settings, checkpoint.store, began_s=closed_s) as alerter,
    ):
        supervisor = Supervisor(
            ingest=start_ingest(spark, settings, checkpoint, sink.way),
            bars=start_bars(spark, settings, checkpoint, sink),
            repair=StragglerRepair(spark, settings, checkpoint, sink),
            sink=sink,
            status=status,
            status_file=status_file,
            ticks_store=open_store(settings.job.ticks, settings.job.s3, settings.stream.region),
            stop_store=stop_store,
            stop_name=stop_name,
            stopping=stopping,
            tidying=_tidying(spark, settings, checkpoint),
            alerter=alerter,
        )
        log.info("reading stream %s; put a file at %s to stop", settings.stream.name, settings.job.stop_file)
        supervisor.run()
    _report(spark, settings, status)
    status.state = "stopped"
    supervisor.status_file.write(status)
    log.info("stopped: %s", status)


def _tidying(spark: SparkSession, settings: Settings, checkpoint: Checkpoint) -> Schedule | None:
    """Tidy the tables every so often, in a session apart, so that no setting of a query's is in its way."""
    hours = settings.job.retention.every_hours
    if hours is None:
        return None
    mark = Mark(checkpoint.store, "tidied.json")
    return Schedule(
        "tidying the tables",
        lambda is_stopping: tidy(spark.newSession(), settings, is_stopping=is_stopping),
        every_seconds=hours * 3_600,
        mark=mark,
    )


@contextmanager
def _held_checkpoint(settings: Settings, stopping: threading.Event) -> Iterator[None]:
    """Check what can be checked without Spark, and keep other jobs from the checkpoint meanwhile."""
    _refuse_stop_file(settings)
    # A webhook that is none is told now, and not by the first alert.
    webhook_url(settings.job.alerts)
    identity = find_stream(settings.stream) | {"base_interval": settings.job.base_interval}
    checkpoint = open_checkpoint(settings)
    with hold_checkpoint(checkpoint, stopping, patience_seconds=settings.job.s3.lease_seconds):
        checkpoint.claim(identity)
        checkpoint.check_logs()
        yield


def _refuse_stop_file(settings: Settings) -> None:
    # Left from the last stop, it would end this run before it has read anything.
    store, name = open_file(settings.job.stop_file, settings.job.s3, settings.stream.region)
    if store.exists(name):
        raise StorageError(f"the stop file {settings.job.stop_file} is there; remove it to start")


def _report(spark: SparkSession, settings: Settings, status: Status) -> None:
    try:
        write_report(spark, settings, status.ticks)
    except StorageError as error:
        # The bars are safe and published; a page that can be made again is no reason to fail.
        log.warning("no report: %s", error)


@contextmanager
def _graceful_shutdown(spark: SparkSession, stopping: threading.Event, stopped: threading.Event) -> Iterator[None]:
    gateway = spark.sparkContext._gateway  # noqa: SLF001 - there is no public way to a shutdown hook
    ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
    release = stop_on_shutdown(spark.sparkContext._jvm, stopping, stopped)  # noqa: SLF001
    try:
        yield
    finally:
        release()
