"""Files: the CSV tree held against ``bars``, in the executors that also write it, one file in memory at a time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.audit_model import DIFFERS, MISSING, UNFOUNDED, FileDifference
from jobs.audit_scope import Dates, Scope
from jobs.publish import Batches, Partition, by_key, csv_bytes, csv_rows, in_files, published
from jobs.storage import Store, open_store
from jobs.tables import read_bars
from pricestream.interval import interval_seconds
from pricestream.settings import Settings

_HOUR_SECONDS: Final = 3_600
_SAME: Final = "same"
_VERDICT: Final = "key string, verdict string"
_KEY: Final = re.compile(r"interval=([1-9][0-9]*[smhd])/date=([0-9]{4}-[0-9]{2}-[0-9]{2})/hour=([0-9]{2})/bars\.csv")


@dataclass(frozen=True)
class Files:
    """What became of the files."""

    differences: tuple[FileDifference, ...]
    #: How many were compared.
    count: int
    #: Files that differ, but may still be written to.
    open: int


def compare_files(spark: SparkSession, settings: Settings, scope: Scope) -> Files:
    """Compare each file with the bytes that publishing its bars would write.

    Args:
        spark: a session that can read the tables.
        settings: where the tables and the tree are.
        scope: the dates; and where the job runs, the time from which on a file may be half a step behind its bars.
    """
    store = open_store(settings.job.csv, settings.job.s3, settings.stream.region)
    found = _verdicts(spark, settings, scope.dates, store)
    unfounded = {key: UNFOUNDED for key in _files_on(store, scope) if key not in found}
    wrong = {key: verdict for key, verdict in (found | unfounded).items() if verdict != _SAME}
    judged = [FileDifference(key, kind) for key, kind in sorted(wrong.items()) if not _is_open(key, scope)]
    return Files(tuple(judged), count=len(found) + len(unfounded), open=len(wrong) - len(judged))


def partition_of(key: str) -> Partition | None:
    """Read which partition a file of the tree is; None where it is no file of ours."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    try:
        date.fromisoformat(match[2])
    except ValueError:
        return None
    return Partition(match[1], match[2], int(match[3]))


def _verdicts(spark: SparkSession, settings: Settings, dates: Dates, store: Store) -> dict[str, str]:
    """Hold every file that bars stand behind against them."""
    bars = published(read_bars(spark, settings.job).filter(dates.include("date")), settings)
    verdicts = in_files(csv_rows(bars)).mapInArrow(_compare(store), _VERDICT).collect()
    return {row["key"]: row["verdict"] for row in verdicts}


def _compare(store: Store) -> Callable[[Batches], Batches]:
    """Make the function that executors run: lines in, a verdict per file out."""

    def run(batches: Batches) -> Batches:
        for key, lines in by_key(batches):
            there = store.read(key)
            verdict = MISSING if there is None else _SAME if there == csv_bytes(lines) else DIFFERS
            yield pa.RecordBatch.from_pydict({"key": [key], "verdict": [verdict]})

    return run


def _files_on(store: Store, scope: Scope) -> Iterator[str]:
    """List the files of the tree that lie on the dates; those whose bars retention took are right without."""
    for key in store.list_keys():
        partition = partition_of(key)
        day = partition and date.fromisoformat(partition.date)
        if day and scope.dates.has(day) and (scope.bars_kept_from is None or day >= scope.bars_kept_from):
            yield key


def _is_open(key: str, scope: Scope) -> bool:
    partition = partition_of(key)
    if not scope.is_running or partition is None:
        return False
    day = datetime.fromisoformat(partition.date).replace(tzinfo=UTC)
    is_hour = interval_seconds(partition.interval) < _HOUR_SECONDS
    end = day + (timedelta(hours=partition.hour + 1) if is_hour else timedelta(days=1))
    return scope.horizon_ms is None or end.timestamp() * 1000 > scope.horizon_ms
