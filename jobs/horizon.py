"""Horizon: up to when windows are closed, for whoever makes or judges bars beside the stream."""

from pyspark.sql import SparkSession

from jobs import tables
from jobs.checkpoint import BARS, open_checkpoint
from jobs.drivers import read_stream_status
from pricestream.errors import StorageError
from pricestream.settings import Settings


def closed_through_s(settings: Settings, *, now_s: float, alone: bool = False) -> int:
    """Tell up to when windows may be made final, epoch seconds.

    While the stream runs it is up to where it has closed them: it gives the rest their last ticks. While it does not,
    everything is closed that it would have closed by now; where more ticks come once it runs again, it makes
    those windows anew.

    Args:
        settings: where the checkpoint and the status are.
        now_s: the time, epoch seconds.
        alone: the stream does not run, whatever its status says.

    Raises:
        StorageError: the stream runs and has not closed a window yet.
    """
    closed = open_checkpoint(settings).closed_through_s()
    if alone or not read_stream_status(settings).is_running:
        return max(closed, int(now_s) - settings.job.watermark_seconds)
    if not closed:
        raise StorageError(
            f"the stream runs ({settings.job.status_file} says so) and has not closed a window yet; try again in "
            f"{settings.job.watermark_seconds} seconds, or stop it"
        )
    return closed


def claim_horizon(settings: Settings, *, now_s: float, alone: bool = False) -> int:
    """Tell up to when windows may be made final (:func:`closed_through_s`), and let the stream know when it starts.

    Raises:
        StorageError: the stream runs and has not closed a window yet.
    """
    closed = closed_through_s(settings, now_s=now_s, alone=alone)
    open_checkpoint(settings).mark_backfilled(closed)
    return closed


def final_through_s(spark: SparkSession, settings: Settings) -> int:
    """Tell up to when rows may be final already, whoever made them so, epoch seconds; 0 where none is.

    That may be later than the stream has closed windows: a backfill has worked while it stood still, or it begins anew
    with an empty checkpoint.
    """
    checkpoint = open_checkpoint(settings)
    known_s = max(checkpoint.closed_through_s(), checkpoint.backfilled_through_s())
    return tables.final_through_s(spark, settings.job, since_s=known_s)


def judged_through_s(settings: Settings, *, now_s: float, alone: bool = False) -> int | None:
    """Tell up to when bars must be there, epoch seconds; None where that cannot be told yet.

    A stream that has stopped may have left windows unclosed, all of them where it stopped early. Where there never
    was one, all that was taken in has its bars.

    Args:
        settings: where the checkpoint and the status are.
        now_s: the time, epoch seconds.
        alone: the stream does not run, whatever its status says.
    """
    closed = open_checkpoint(settings).closed_through_s()
    if closed:
        return closed
    is_running = not alone and read_stream_status(settings).is_running
    return None if is_running or has_stream(settings) else int(now_s) - settings.job.watermark_seconds


def has_stream(settings: Settings) -> bool:
    """Tell whether a stream has begun to make bars with the checkpoint, running now or not."""
    return open_checkpoint(settings).has_started(BARS)
