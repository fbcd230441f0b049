"""Publish: final bars become CSV, one file per (interval, date, hour), each replaced whole or not at all.

The order is what makes it safe beside another publisher: first the version of the file, then the
bars, then a write that is refused if the version has moved on; whoever is refused starts over. On
a disk a lock around all three stands in for the refusal.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from jobs.schema import BAR_KEY, BARS
from jobs.storage import ConflictError, Store, open_store
from jobs.tables import read_bars
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from pricestream.settings import Settings

_HOUR_SECONDS: Final = 3_600
_ATTEMPTS: Final = 8
_IN_PATH: Final = ("interval", "date", "hour")

#: The columns of a file: no column that its path holds, and no ``revision``.
CSV_COLUMNS: Final = tuple(name for name in BARS.names if name not in (*_IN_PATH, "revision"))

_RECEIPT: Final = "key string, is_replaced boolean"


@dataclass(frozen=True, order=True)
class Partition:
    """One file of the tree."""

    interval: str
    #: ISO, e.g. 2026-11-23.
    date: str
    #: 0 to 23; 0 for intervals of an hour and longer.
    hour: int

    @property
    def key(self) -> str:
        """The file's path in the tree."""
        return f"interval={self.interval}/date={self.date}/hour={self.hour:02d}/bars.csv"


def hour_of(interval: str) -> Column:
    """Which hour's file a bar of this interval goes into, by its ``window_start``."""
    return f.lit(0) if interval_seconds(interval) >= _HOUR_SECONDS else f.hour("window_start")


def publish(spark: SparkSession, settings: Settings, partitions: Iterable[Partition]) -> int:
    """Bring the files of these partitions up to what ``bars`` says. Returns how many were replaced.

    Raises:
        StorageError: another publisher was in the way every time.
    """
    store = open_store(settings.job.csv, settings.job.s3, settings.stream.region)
    left = sorted(set(partitions))
    replaced = 0

    def attempt() -> list[Partition]:
        nonlocal left, replaced
        done = _publish_once(spark, settings, store, left)
        replaced += len(done)
        left = [each for each in left if each.key not in done]
        return left

    retrying = Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=10),
    )
    try:
        retrying(attempt)
    except RetryError:
        raise StorageError(
            f"{settings.job.csv}: {len(left)} files kept changing under {_ATTEMPTS} attempts to replace them, such as "
            f"{left[0].key}; is another publisher running?"
        ) from None
    return replaced


def _publish_once(spark: SparkSession, settings: Settings, store: Store, partitions: list[Partition]) -> set[str]:
    """Try each partition once; say which files now hold what ``bars`` says."""
    done = set()
    for interval, group in itertools.groupby(partitions, key=lambda each: each.interval):
        chosen = list(group)
        with store.lock("publish"):
            versions = {each.key: store.version(each.key) for each in chosen}
            rows = csv_rows(_bars_of(spark, settings, interval, chosen), interval)
            receipts = in_files(rows).mapInArrow(_replace_files(store, versions), _RECEIPT).collect()
        done |= {row["key"] for row in receipts if row["is_replaced"]}
        # A partition without a bar has no file to write.
        done |= set(versions) - {row["key"] for row in receipts}
    return done


def _bars_of(spark: SparkSession, settings: Settings, interval: str, partitions: list[Partition]) -> DataFrame:
    # Whole dates prune the table's partitions; what is left of them is told apart by a set of strings.
    dates = sorted({each.date for each in partitions})
    places = [f"{each.date}/{each.hour}" for each in partitions]
    bars = read_bars(spark, settings.job).withColumn("hour", hour_of(interval))
    is_on_date = (f.col("interval") == interval) & f.col("date").isin(dates)
    is_in_place = f.concat_ws("/", f.col("date").cast("string"), f.col("hour").cast("string")).isin(places)
    return bars.filter(is_on_date & f.col("is_final") & is_in_place)


def csv_rows(bars: DataFrame, interval: str) -> DataFrame:
    """Write each bar as the line that stands in the file.

    Returns:
        ``key`` (the file's path in the tree), the columns that lines are sorted by, and ``line``.
    """
    date = f.date_format("date", "yyyy-MM-dd")
    key = f.format_string(f"interval={interval}/date=%s/hour=%02d/bars.csv", date, f.col("hour"))
    values = f.struct(*(_text(name).alias(name) for name in CSV_COLUMNS))
    # Spaces are data, not padding.
    options = {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}
    return bars.select(key.alias("key"), *BAR_KEY, f.to_csv(values, options).alias("line"))


def _text(name: str) -> Column:
    kind = BARS[name].dataType.simpleString()
    if kind == "string":
        return _harmless(name)
    if kind == "timestamp":
        # Windows start and end on whole seconds; ticks have milliseconds.
        pattern = "yyyy-MM-dd'T'HH:mm:ss'Z'" if name.startswith("window_") else "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"
        return f.date_format(name, pattern)
    return f.col(name).cast("string")


def _harmless(name: str) -> Column:
    # A spreadsheet runs text that begins like this; a leading apostrophe makes it text.
    is_formula = f.col(name).rlike(r"\A[=+\-@\t\r]")
    return f.when(is_formula, f.concat(f.lit("'"), f.col(name))).otherwise(f.col(name))


def in_files(rows: DataFrame) -> DataFrame:
    """Bring the lines of each file together, in the order of their bars: equal bars give equal bytes."""
    return rows.repartition("key").sortWithinPartitions("key", *BAR_KEY).select("key", "line")


Batches = Iterable[pa.RecordBatch]


def _replace_files(store: Store, versions: Mapping[str, str | None]) -> Callable[[Batches], Batches]:
    """Make the function that executors run: rows in, files written, one receipt per file out."""

    def run(batches: Batches) -> Batches:
        for key, lines in by_key(batches):
            try:
                store.replace(key, csv_bytes(lines), version=versions[key])
                is_replaced = True
            except ConflictError:
                is_replaced = False
            yield pa.RecordBatch.from_pydict({"key": [key], "is_replaced": [is_replaced]})

    return run


def by_key(batches: Batches) -> Iterator[tuple[str, list[str]]]:
    """Gather lines, sorted by key, into one list per key, one file in memory at a time."""
    rows = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    for key, group in itertools.groupby(rows, key=lambda row: row[0]):
        yield key, [line for _, line in group]


def csv_bytes(lines: Iterable[str]) -> bytes:
    """Write a header and lines: UTF-8 without BOM, comma, LF, quotes where needed, null as nothing."""
    return "".join(f"{line}\n" for line in (",".join(CSV_COLUMNS), *lines)).encode()
