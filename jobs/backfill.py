"""Backfill: bars and files of a range are made anew from ``ticks``, by the functions of the stream."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.schema import HEARTBEAT, OK
from jobs.session import make_session
from jobs.sink import BarSink
from jobs.stragglers import rebuild
from jobs.supervise import QueryError, reason_of
from jobs.tables import create_tables, read_ticks
from jobs.window import window_start
from pricestream.errors import SettingsError
from pricestream.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Range:
    """The UTC days ``[first, end)``."""

    first: date
    end: date

    @classmethod
    def parse(cls, first: str, end: str) -> "Range":
        """Read two ISO dates.

        Raises:
            SettingsError: one is no date, or there is no day between them.
        """
        days = cls(_date("--from", first), _date("--to", end))
        if days.end <= days.first:
            raise SettingsError(f"--to {end}: must lie after --from {first}; the day of --to is not included")
        return days

    def days(self) -> Iterator[date]:
        """Give each day."""
        for number in range((self.end - self.first).days):
            yield self.first + timedelta(days=number)


def run_backfill(settings: Settings, days: Range, coins: Sequence[str]) -> None:
    """Make a session and rebuild a range in it.

    Raises:
        PricestreamError: storage can not be used, or Spark failed.
    """
    spark = make_session(settings.job)
    spark.sparkContext.setLogLevel("WARN")
    try:
        create_tables(spark, settings.job)
        count = rebuild_range(spark, settings, days, coins)
        log.info("%d bars from %s to %s are as ticks has them", count, days.first, days.end)
    except (PySparkException, Py4JError) as error:
        log.debug("Spark failed", exc_info=True)
        raise QueryError(f"Spark failed: {reason_of(error)}") from None
    finally:
        spark.stop()


def rebuild_range(spark: SparkSession, settings: Settings, days: Range, coins: Sequence[str]) -> int:
    """Compute the bars of a range anew from ``ticks``, a day at a time. Returns how many were computed.

    Windows that the stream has not closed yet are left to it. A bar that comes out as it was is left alone.

    Args:
        spark: the session.
        settings: where the tables are.
        days: the UTC days.
        coins: only these; empty is all.
    """
    sink = BarSink(settings, settings.job.base_interval)
    closed_ms = closed_through_ms(spark, settings)
    count = 0
    for day in days.days():
        windows = _windows(spark, settings, day, coins)
        if closed_ms is not None:
            length = f.expr(f"INTERVAL {settings.job.interval_seconds} SECONDS")
            windows = windows.filter(f.col("window_start") + length <= f.timestamp_millis(f.lit(closed_ms)))
        done = rebuild(windows, settings, sink)
        log.info("%s: %d bars", day, done)
        count += done
    return count


def closed_through_ms(spark: SparkSession, settings: Settings) -> int | None:
    """Tell up to when the stream has closed its windows, epoch ms; None where ``ticks`` has nothing of a stream."""
    is_clock = f.col("added_by").isNull() & f.col("status").isin(OK, HEARTBEAT)
    newest = read_ticks(spark, settings.job).filter(is_clock).agg(f.unix_millis(f.max("event_time")).alias("ms"))
    moment = newest.collect()[0]["ms"]
    return None if moment is None else int(moment) - settings.job.watermark_seconds * 1000


def _windows(spark: SparkSession, settings: Settings, day: date, coins: Sequence[str]) -> DataFrame:
    ticks = read_ticks(spark, settings.job).filter((f.col("date") == f.lit(day)) & (f.col("status") == OK))
    chosen = ticks.filter(f.col("coin_id").isin(list(coins))) if coins else ticks
    start = window_start("event_time", settings.job.interval_seconds).alias("window_start")
    return chosen.select("coin_id", "vs_currency", start).distinct()


def _date(option: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise SettingsError(f"{option} {text}: is no date; write it such as 2026-01-31") from None
