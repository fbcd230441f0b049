"""Files: the CSV tree held against ``bars``, in the executors that also write it, one file in memory at a time."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.audit_model import DIFFERS, MISSING, UNFOUNDED, WITHOUT_BARS, FileDifference
from jobs.audit_scope import Scope
from jobs.batches import Batches, map_batches
from jobs.publish import Partition, by_key, csv_bytes, csv_rows, in_files, published
from jobs.schema import BAR_KEY
from jobs.storage import Store, open_store
from jobs.tables import read_bars
from pricestream.settings import Settings

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
    # The files first: whoever publishes one meanwhile has written its bars before.
    keys = sorted(_files_on(store, scope))
    bars = read_bars(spark, settings.job).filter(scope.dates.include("date"))
    found = _verdicts(published(bars, settings), keys, store)
    if UNFOUNDED in found.values():
        known = {row["key"] for row in csv_rows(bars).select("key").distinct().collect()}
        found = {
            key: WITHOUT_BARS if verdict == UNFOUNDED and key not in known else verdict
            for key, verdict in found.items()
        }
    wrong = {key: verdict for key, verdict in found.items() if verdict != _SAME}
    judged = [FileDifference(key, kind) for key, kind in sorted(wrong.items()) if not _is_open(key, scope)]
    return Files(tuple(judged), count=len(found), open=len(wrong) - len(judged))


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


def _verdicts(bars: DataFrame, keys: list[str], store: Store) -> dict[str, str]:
    """Hold every file that bars stand behind, and every one of these keys, against what publishing would write."""
    rows = csv_rows(bars)
    # A row without a line for each file, so that those are compared too that no bar goes into.
    nothing = (f.lit(None).cast(rows.schema[name].dataType).alias(name) for name in (*BAR_KEY, "line"))
    listed = bars.sparkSession.createDataFrame([(key,) for key in keys], "key string").select("key", *nothing)
    verdicts = map_batches(in_files(rows.unionByName(listed)), _compare(store), _VERDICT).collect()
    return {row["key"]: row["verdict"] for row in verdicts}


def _compare(store: Store) -> Callable[[Batches], Batches]:
    """Make the function that executors run: lines in, a verdict per file out."""

    def run(batches: Batches) -> Batches:
        for key, lines in by_key(batches):
            verdict = _verdict(store.read(key), [line for line in lines if line is not None])
            yield pa.RecordBatch.from_pydict({"key": [key], "verdict": [verdict]})

    return run


def _verdict(there: bytes | None, lines: list[str]) -> str:
    """Judge a file; one that nothing goes into may hold its header, or not be there."""
    if there is None:
        return MISSING if lines else _SAME
    if there == csv_bytes(lines):
        return _SAME
    return DIFFERS if lines else UNFOUNDED


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
    return scope.horizon_ms is None or partition.end_s * 1000 > scope.horizon_ms
