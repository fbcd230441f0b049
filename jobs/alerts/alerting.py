"""Alerting: the alerter of a job, from its settings, for as long as the job runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from jobs.alerts.alerter import Alerter, TellMarks
from jobs.alerts.channels import open_channels
from jobs.alerts.event import Event
from jobs.alerts.find import events_between
from jobs.storage import Store
from pricestream.settings import Settings


@contextmanager
def alerting(spark: SparkSession, settings: Settings, marks: Store, *, began_s: int) -> Iterator[Alerter | None]:
    """Tell of events until the end of a block; what there is still to tell then is told before it ends.

    Args:
        spark: the job's session.
        settings: the rules, and where alerts go.
        marks: where it is kept how far they were told.
        began_s: up to here windows were closed before, epoch seconds; 0 on a new checkpoint.

    Yields:
        Whom to tell how far the stream is; None without a rule.
    """
    job = settings.job
    if not job.alerts.rules:
        yield None
        return
    # A session apart, so that no setting of a query's is in its way.
    apart = spark.newSession()

    def find(after_s: int, through_s: int) -> list[Event]:
        return events_between(apart, job, after_s=after_s, through_s=through_s)

    lag_rules = [rule for rule in job.alerts.rules if rule.when == "lag"]
    alerter = Alerter(find, open_channels(settings), TellMarks(marks), began_s=began_s, lag_rules=lag_rules)
    try:
        yield alerter
    finally:
        alerter.stop()
