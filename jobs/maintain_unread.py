"""Unread: what of ``ticks`` the bars query has yet to read, which neither retention nor compaction may take from it.

The query reads the table version by version, as its log has them, and each version's own files. A date is unread
while such a file of it is; and the log itself, and files that were replaced, must outlast the query's way to them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs.checkpoint import BARS, open_checkpoint
from jobs.storage import open_store
from jobs.tables import log_entry, newest_version
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.settings import Settings

_HOUR_MS: Final = 3_600_000
#: How long before its end Delta may already cut a log, or a stream that is started then may still need: a day.
_MARGIN_HOURS: Final = 24


@dataclass(frozen=True)
class Unread:
    """What the query has not passed yet."""

    #: The dates of rows it has not read; None where that can not be told, and any may be.
    dates: frozenset[date] | None
    #: When the oldest version it has not passed was written, epoch ms; None where it has passed all.
    version_ms: int | None = None
    #: When the oldest rows it has not read were written, epoch ms; None without any.
    rows_ms: int | None = None

    def has(self, day: date) -> bool:
        """Tell whether rows of a date may be unread."""
        return self.dates is None or day in self.dates

    def is_in_danger(self, now_ms: int, *, log_days: int, replaced_files_hours: int) -> bool:
        """Tell whether the log, or a replaced file, may be removed before the query comes to it.

        Delta cuts a table's log at any commit, ours included, so where this is so the table is best left alone.
        """
        if self.dates is None and self.version_ms is None:
            return True
        return _is_older(self.version_ms, now_ms, log_days * 24) or _is_older(
            self.rows_ms, now_ms, replaced_files_hours
        )


#: Nothing reads the table version by version.
NO_READER: Final = Unread(frozenset())
#: The query stands where its way can not be told any more, or reads the table as it stood at its first start.
UNKNOWN: Final = Unread(None)


def _is_older(written_ms: int | None, now_ms: int, hours: int) -> bool:
    return written_ms is not None and now_ms - written_ms > (hours - _MARGIN_HOURS) * _HOUR_MS


def read_unread(spark: SparkSession, settings: Settings) -> Unread:
    """Work out what the bars query has not read, or not yet looked at for stragglers.

    Raises:
        StorageError: the checkpoint or the log can not be read.
    """
    checkpoint = open_checkpoint(settings)
    if not checkpoint.has_started(BARS):
        return NO_READER
    # What is read and what is checked for stragglers is one mark: a check reads the same versions once more.
    done = checkpoint.checked_through()
    batch = checkpoint.micro_batch(BARS, done) if done >= 0 else None
    if batch is None or batch.is_snapshot:
        return UNKNOWN
    # Only now: what is added from here on is compacted by the next run at the earliest, and vacuumed days later.
    return unread_of(settings, batch.version, newest_version(spark, settings.job.ticks))


def unread_of(settings: Settings, first: int, newest: int) -> Unread:
    """Read what the versions from ``first`` to ``newest`` of ``ticks`` added, from the table's log.

    Raises:
        StorageError: the log can not be read.
    """
    log = open_store(settings.job.ticks, settings.job.s3, settings.stream.region)
    dates: set[date] = set()
    version_ms: int | None = None
    rows_ms: int | None = None
    for version in range(first, newest + 1):
        data = log.read(log_entry(version))
        if data is None:
            return UNKNOWN
        written_ms, added = _commit(data, f"{settings.job.ticks}/{log_entry(version)}")
        version_ms = written_ms if version_ms is None else version_ms
        rows_ms = written_ms if rows_ms is None and added else rows_ms
        dates |= added
    return Unread(frozenset(dates), version_ms, rows_ms)


def _commit(data: bytes, name: str) -> tuple[int, set[date]]:
    """Read when a version was written, epoch ms, and the dates of the rows that it added."""
    try:
        actions = [parse_json(line) for line in data.splitlines()]
        written_ms = next((int(each["commitInfo"]["timestamp"]) for each in actions if "commitInfo" in each), 0)
        added = {day for action in actions if (day := _date_added(action))}
    except (ValueError, KeyError, TypeError, AttributeError):
        actions = []
    if not actions:
        raise StorageError(f"{name}: is damaged; the table's log must be put right first")
    return written_ms, added


def _date_added(action: dict[str, Any]) -> date | None:
    """Give the date of a file with new rows; what compaction adds was read under its old name."""
    add = action.get("add")
    if not add or not add["dataChange"]:
        return None
    text = add["partitionValues"].get("date")
    return date.fromisoformat(text) if text else None
