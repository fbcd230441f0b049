"""Maintain: delete what is older than it is to be kept, pack small files, and remove replaced ones.

The stream may run meanwhile. It appends to ``ticks`` and merges into today's ``bars``; what is packed here are days
that have ended, and what is deleted are days long past. The CSV tree is left as it is: it is what others read, and
its files are replaced in place, so that nothing piles up in it.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.application import open_session
from jobs.conflict import is_conflict
from jobs.days import kept_from
from jobs.drivers import keep_alone, read_stream_status
from jobs.maintain_table import Files, TidyTable
from jobs.maintain_unread import NO_READER, Unread, read_unread
from pricestream.history_settings import RetentionSettings
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings

log = logging.getLogger(__name__)

#: How long after midnight UTC the stream may still close windows of the day before; then the day is packed.
_SETTLING: Final = timedelta(hours=1)


def run_maintain(settings: Settings, *, alone: bool, dry_run: bool) -> None:
    """Tidy the tables in a session of its own.

    Args:
        settings: where the tables are, and how long what is kept.
        alone: the stream does not run, whatever its status file says.
        dry_run: only say what would be done.

    Raises:
        StorageError: there are no tables, or the stream writes them and on S3 nothing makes the two take turns.
        QueryError: Spark failed.
    """
    with nullcontext() if dry_run else keep_alone(settings, alone=alone), open_session(settings) as spark:
        if not dry_run and (alone or not read_stream_status(settings).is_running):
            keep_as_set(spark, settings.job)
        tidy(spark, settings, dry_run=dry_run)


def keep_as_set(spark: SparkSession, job: JobSettings) -> None:
    """Let the tables themselves say how long Delta keeps their log and replaced files, before anybody writes."""
    for path in (job.ticks, job.bars):
        TidyTable(spark, path).keep_as(job.retention)


@dataclass(frozen=True)
class Tidied:
    """What became of one table, or in a dry run what would."""

    name: str
    deleted: tuple[date, ...] = ()
    #: Too old, but kept, because the bars query has not read them.
    unread: tuple[date, ...] = ()
    #: Too old, but kept, because rows of them came not so long ago.
    fresh: tuple[date, ...] = ()
    packed: tuple[date, ...] = ()
    #: Another writer was in the way of these each time; the next run takes them up again.
    left: tuple[date, ...] = ()
    is_vacuumed: bool = False


def tidy(
    spark: SparkSession,
    settings: Settings,
    *,
    now: datetime | None = None,
    dry_run: bool = False,
    is_stopping: Callable[[], bool] = lambda: False,
) -> list[Tidied]:
    """Tidy both tables, a step at a time.

    Args:
        spark: a session.
        settings: where the tables are, and how long what is kept.
        now: the time, by which dates are old or have ended.
        dry_run: only say what would be done.
        is_stopping: asked between two steps; no further one is begun once it says so.

    Raises:
        StorageError: there are no tables, or their log or the checkpoint can not be read.
    """
    job, now = settings.job, now or datetime.now(UTC)
    ticks = _Tidying("ticks", TidyTable(spark, job.ticks), job.retention, now, is_stopping, dry_run=dry_run)
    bars = _Tidying("bars", TidyTable(spark, job.bars), job.retention, now, is_stopping, dry_run=dry_run)
    unread = read_unread(spark, settings)
    return [
        ticks.run(job.retention.ticks_days, unread, ticks.table.newest_arrival),
        bars.run(job.retention.bars_days),
    ]


#: Tells when the last row came of each of some dates; a date may be left out.
Arrivals = Callable[[Collection[date]], Mapping[date, datetime]]


def _unknown(_: Collection[date]) -> Mapping[date, datetime]:
    return {}


@dataclass(frozen=True)
class _Tidying:
    """One table's turn."""

    name: str
    table: TidyTable
    retention: RetentionSettings
    now: datetime
    is_stopping: Callable[[], bool]
    dry_run: bool

    def run(self, days: int | None, unread: Unread = NO_READER, newest_arrival: Arrivals = _unknown) -> Tidied:
        """Delete dates more than ``days`` old, pack the others, and remove what was replaced long ago.

        A date is as old as the last row that came of it: a backfill lands dates of years ago, and works on them.
        """
        if unread.is_in_danger(
            round(self.now.timestamp() * 1000),
            log_days=self.retention.log_days,
            replaced_files_hours=self.retention.replaced_files_hours,
        ):
            log.warning(
                "%s: left alone, because the bars query has not come to what is about to be cut; start the stream and "
                "let it catch up, or remove its checkpoint if it is not to run any more",
                self.name,
            )
            return Tidied(self.name)
        files = self.table.files()
        first_kept = kept_from(days, self.now)
        past = [day for day in files if first_kept and day < first_kept]
        came = newest_arrival(past) if past else {}
        fresh = tuple(day for day in past if first_kept and day in came and came[day].date() >= first_kept)
        old = [day for day in past if day not in fresh]
        deleted = self._delete([day for day in old if not unread.has(day)], files)
        kept = tuple(day for day in old if unread.has(day))
        if kept:
            log.warning("%s: %s kept, because the bars query has not read them yet", self.name, _span(kept))
        if fresh:
            log.info("%s: %s kept, because rows of them came in the last %d days", self.name, _span(fresh), days)
        ended = (self.now - _SETTLING).date()
        crowded = [day for day, of_day in files.items() if of_day.surplus and day < ended and not unread.has(day)]
        packed, left = self._pack([day for day in crowded if day not in old], files)
        return Tidied(self.name, deleted, kept, fresh, packed, left, is_vacuumed=self._vacuum())

    def _delete(self, dates: list[date], files: dict[date, Files]) -> tuple[date, ...]:
        if not dates or self.is_stopping():
            return ()
        count = sum(files[day].count for day in dates)
        log.info("%s: %s older than it is kept, %s %s", self.name, _span(dates), _files(count), self._said("deleted"))
        if not self.dry_run:
            try:
                self.table.delete(dates)
            except (PySparkException, Py4JError) as error:
                if not is_conflict(error):
                    raise
                log.warning("%s: another writer was in the way; old dates are deleted next time", self.name)
                return ()
        return tuple(dates)

    def _pack(self, dates: list[date], files: dict[date, Files]) -> tuple[tuple[date, ...], tuple[date, ...]]:
        packed: list[date] = []
        left: list[date] = []
        for day in dates:
            if self.is_stopping():
                break
            if self.dry_run:
                count, made = files[day].count, files[day].count - files[day].surplus
            else:
                try:
                    count, made = self.table.compact(day)
                except (PySparkException, Py4JError) as error:
                    if not is_conflict(error):
                        raise
                    log.warning("%s: another writer was in the way of %s; it is packed next time", self.name, day)
                    left.append(day)
                    continue
            if count:
                log.info("%s: %s, %s %s into %d", self.name, day, _files(count), self._said("packed"), made)
                packed.append(day)
        return tuple(packed), tuple(left)

    def _vacuum(self) -> bool:
        if self.dry_run or self.is_stopping():
            return False
        if not self.table.is_kept_as(self.retention):
            # Only settings that differ from the stream's bring this about.
            log.warning(
                "%s: replaced files are not removed: the table says another time than job.retention, which is put "
                "right when the stream starts, or by this command while it does not run",
                self.name,
            )
            return False
        self.table.vacuum(self.retention.replaced_files_hours)
        log.info("%s: files replaced over %d hours ago removed", self.name, self.retention.replaced_files_hours)
        return True

    def _said(self, done: str) -> str:
        return f"would be {done}" if self.dry_run else done


def _span(dates: list[date] | tuple[date, ...]) -> str:
    return f"{len(dates)} dates ({min(dates)} to {max(dates)})" if len(dates) > 1 else f"{dates[0]}"


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
