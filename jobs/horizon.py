"""Horizon: up to when the stream has closed its windows, as far as ``ticks`` tells."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from jobs.window import of_interest
from pricestream.job_settings import JobSettings


def closed_through_ms(ticks: DataFrame, job: JobSettings) -> int | None:
    """Windows that end here or before are closed, epoch ms; None where ``ticks`` has nothing of a stream.

    Args:
        ticks: columns of :data:`jobs.schema.TICKS`.
        job: how far the watermark trails the newest event or heartbeat.
    """
    newest = of_interest(ticks).agg(f.unix_millis(f.max("event_time")).alias("newest")).collect()[0]["newest"]
    return None if newest is None else int(newest) - job.watermark_seconds * 1000
