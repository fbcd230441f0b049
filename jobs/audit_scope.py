"""Scope: what an audit looks at. Which dates, which version of ``ticks``, and up to which moment it can judge."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.days import kept_from, parse_date
from jobs.drivers import read_stream_status
from jobs.horizon import has_stream, judged_through_s
from jobs.storage import spark_path
from jobs.tables import newest_version, require_table
from pricestream.errors import SettingsError
from pricestream.settings import Settings


@dataclass(frozen=True)
class Dates:
    """UTC dates ``[first, end)``; None is open."""

    first: date | None = None
    end: date | None = None

    @property
    def is_all(self) -> bool:
        """Whether no date is left out."""
        return self.first is None and self.end is None

    def has(self, day: date) -> bool:
        """Tell whether a date is one of them."""
        return (self.first is None or day >= self.first) and (self.end is None or day < self.end)

    def include(self, column: str) -> Column:
        """Tell whether a date or a time lies in them."""
        is_in = f.lit(True)
        if self.first is not None:
            is_in &= f.col(column) >= f.lit(self.first.isoformat()).cast("date")
        if self.end is not None:
            is_in &= f.col(column) < f.lit(self.end.isoformat()).cast("date")
        return is_in

    def widened(self) -> "Dates":
        """Take a day more on both sides, as far as there are days."""
        first = self.first and date.fromordinal(max(self.first.toordinal() - 1, date.min.toordinal()))
        end = self.end and date.fromordinal(min(self.end.toordinal() + 1, date.max.toordinal()))
        return Dates(first, end)


def parse_dates(first: str | None, end: str | None) -> Dates:
    """Read ``--from`` and ``--to``.

    Raises:
        SettingsError: one is no date, or there is no day between them.
    """
    dates = Dates(
        None if first is None else parse_date("--from", first), None if end is None else parse_date("--to", end)
    )
    if dates.first and dates.end and dates.first >= dates.end:
        raise SettingsError(f"--from {first} --to {end}: there is no day in between; --to is the first day left out")
    return dates


@dataclass(frozen=True)
class Scope:
    """What one look at the lake goes by."""

    dates: Dates
    #: The version of ``ticks`` that is looked at, however much is added meanwhile.
    version: int
    #: Windows that end here or before are closed and written, epoch ms; None where the stream has brought nothing.
    horizon_ms: int | None
    #: The streaming job runs, so that files are being written to.
    is_running: bool
    #: There is a stream, running or not. One shard is read farther than another, so that of what was polled lately
    #: some may still be on its way.
    is_streamed: bool
    #: Rows of an earlier date that came before it may be gone by retention; None keeps for ever.
    kept_from: date | None
    #: Likewise bars.
    bars_kept_from: date | None
    #: The stream was told to begin at its tip, so no record was promised before the first.
    begins_at_tip: bool

    @property
    def polls_until_ms(self) -> int | None:
        """Records polled later than this may still be on their way, epoch ms; None where none is."""
        return (self.horizon_ms or 0) if self.is_running or self.is_streamed else None


def read_scope(
    spark: SparkSession, settings: Settings, dates: Dates, *, alone: bool = False, now: datetime | None = None
) -> Scope:
    """Look at the tables, at the checkpoint and at the status of the job.

    Args:
        spark: a session.
        settings: where all of them are.
        dates: what is to be looked at.
        alone: the stream does not run, whatever its status says.
        now: the time, by which windows are closed and dates are past retention.

    Raises:
        StorageError: there are no tables.
    """
    job = settings.job
    for path in (job.ticks, job.bars):
        require_table(spark, path)
    now = now or datetime.now(UTC)
    closed_s = judged_through_s(settings, now_s=now.timestamp(), alone=alone)
    return Scope(
        dates=dates,
        version=newest_version(spark, job.ticks),
        horizon_ms=None if closed_s is None else closed_s * 1000,
        is_running=not alone and read_stream_status(settings).is_running,
        is_streamed=has_stream(settings),
        kept_from=kept_from(job.retention.ticks_days, now),
        bars_kept_from=kept_from(job.retention.bars_days, now),
        begins_at_tip=job.kinesis.starting_position == "LATEST",
    )


def ticks_at(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    """Read one version of ``ticks``, so that every count is of the same rows."""
    return spark.read.format("delta").option("versionAsOf", version).load(spark_path(settings.job.ticks))
