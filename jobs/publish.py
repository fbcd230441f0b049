"""Publish: final bars become CSV, one file per (interval, date, hour), each replaced whole or not at all.

The order is what makes it safe beside another publisher: first the version of the file, then the
bars, then a write that is refused if the version has moved on; whoever is refused starts over. On
a disk a lock around all three stands in for the refusal.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from jobs.batches import Batches, map_batches
from jobs.days import midnight
from jobs.made_once import made_once
from jobs.schema import BAR_KEY, BARS
from jobs.storage import ConflictError, Store, open_store
from jobs.tables import read_bars
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from pricestream.settings import Settings

_HOUR_SECONDS: Final = 3_600
_DAY_SECONDS: Final = 86_400
_ATTEMPTS: Final = 8
_IN_PATH: Final = ("interval", "date", "hour")

#: The columns of a file: no column that its path holds, and no ``revision``.
CSV_COLUMNS: Final = tuple(name for name in BARS.names if name not in (*_IN_PATH, "revision"))

_RECEIPT: Final = "key string, is_done boolean, is_replaced boolean"


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

    @property
    def start_s(self) -> int:
        """Its windows start here or later, epoch seconds."""
        return midnight(date.fromisoformat(self.date)) + (self.hour * _HOUR_SECONDS if self._is_of_hour else 0)

    @property
    def end_s(self) -> int:
        """Its windows start before this, epoch seconds."""
        return self.start_s + (_HOUR_SECONDS if self._is_of_hour else _DAY_SECONDS)

    @property
    def _is_of_hour(self) -> bool:
        return interval_seconds(self.interval) < _HOUR_SECONDS


#: Runs a function over the lines of partitions, each file's together and sorted (``key``, ``line``), as ``bars`` has
#: them now. Gives the receipts that it returns.
OverLines = Callable[[list[Partition], Callable[[Batches], Batches]], Iterable[Mapping[str, Any]]]


@made_once
def hour_of() -> Column:
    """Which hour's file a bar goes into: that of its ``window_start``, or 0 from an hour's length on."""
    seconds = f.unix_seconds("window_end") - f.unix_seconds("window_start")
    return f.when(seconds >= _HOUR_SECONDS, 0).otherwise(f.hour("window_start"))


def publish(spark: SparkSession, settings: Settings, partitions: Iterable[Partition]) -> int:
    """Bring the files of these partitions up to what ``bars`` says. Returns how many had to be replaced.

    Raises:
        StorageError: another publisher was in the way every time.
    """
    store = open_store(settings.job.csv, settings.job.s3, settings.stream.region)

    def over_lines(some: list[Partition], function: Callable[[Batches], Batches]) -> list[dict[str, Any]]:
        rows = in_files(csv_rows(_bars_of(spark, settings, some)), tasks=1 if len(some) == 1 else None)
        return [row.asDict() for row in map_batches(rows, function, _RECEIPT).collect()]

    return publish_files(store, settings.job.csv, partitions, over_lines)


def publish_files(store: Store, root: str, partitions: Iterable[Partition], over_lines: OverLines) -> int:
    """Bring files up to what is read anew for each attempt. Returns how many had to be replaced.

    Args:
        store: the files below ``root``.
        root: names the tree in an error.
        partitions: the files.
        over_lines: gives the lines of partitions to a function, as they are now, and what it returns.

    Raises:
        StorageError: another publisher was in the way every time.
    """
    left = sorted(set(partitions))
    replaced = 0
    if not left:
        return 0

    def attempt() -> list[Partition]:
        nonlocal left, replaced
        done = _publish_once(store, left, over_lines)
        replaced += sum(done.values())
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
            f"{root}: {len(left)} files kept changing under {_ATTEMPTS} attempts to replace them, such as "
            f"{left[0].key}; is another publisher running?"
        ) from None
    return replaced


def _publish_once(store: Store, partitions: list[Partition], over_lines: OverLines) -> dict[str, bool]:
    """Try each partition once. Gives the files that hold what ``bars`` says, and whether they had to be replaced."""
    with store.lock("publish"):
        versions = {each.key: store.version(each.key) for each in partitions}
        receipts = list(over_lines(partitions, _replace_files(store, versions)))
        done = {str(each["key"]): bool(each["is_replaced"]) for each in receipts if each["is_done"]}
        for key in versions.keys() - {each["key"] for each in receipts}:
            with suppress(ConflictError):
                done[key] = _empty_file(store, key, versions[key])
    return done


def _empty_file(store: Store, key: str, version: str | None) -> bool:
    """Leave only the header in the file of a partition without a row, where there is one. Tells whether it had more.

    Such a file held nothing but gaps, which are none any more.
    """
    if version is None or store.read(key) == csv_bytes(()):
        return False
    store.replace(key, csv_bytes(()), version=version)
    return True


def _bars_of(spark: SparkSession, settings: Settings, partitions: list[Partition]) -> DataFrame:
    # Whole dates prune the table's partitions, and the time its files: of a day that is nearly over all but an hour.
    # What is left is told apart by a set of strings.
    intervals = sorted({each.interval for each in partitions})
    dates = sorted({each.date for each in partitions})
    places = [f"{each.interval}/{each.date}/{each.hour}" for each in partitions]
    start, end = min(each.start_s for each in partitions), max(each.end_s for each in partitions)
    is_near = f.expr(f"window_start >= timestamp_seconds({start}) AND window_start < timestamp_seconds({end})")
    bars = read_bars(spark, settings.job).filter(f.col("interval").isin(intervals) & f.col("date").isin(dates))
    return published(bars.filter(is_near), settings).filter(_place().isin(places))


@made_once
def _place() -> Column:
    return f.concat_ws("/", "interval", f.col("date").cast("string"), hour_of().cast("string"))


def published(bars: DataFrame, settings: Settings) -> DataFrame:
    """Keep the rows that belong into the tree: final ones, and gaps only where ``job.csv_gaps`` wants them."""
    final = bars.filter("is_final")
    return final if settings.job.csv_gaps else final.filter(~f.col("gap"))


def csv_rows(bars: DataFrame) -> DataFrame:
    """Write each bar as the line that stands in the file.

    Returns:
        ``key`` (the file's path in the tree), the columns that lines are sorted by, and ``line``.
    """
    return bars.select(*_line())


@made_once
def _line() -> tuple[Column | str, ...]:
    date = f.date_format("date", "yyyy-MM-dd")
    key = f.format_string("interval=%s/date=%s/hour=%02d/bars.csv", "interval", date, hour_of())
    values = f.struct(*(_text(name).alias(name) for name in CSV_COLUMNS))
    # Spaces are data, not padding.
    options = {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}
    return (key.alias("key"), *BAR_KEY, f.to_csv(values, options).alias("line"))


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


def in_files(rows: DataFrame, *, tasks: int | None = None) -> DataFrame:
    """Bring the lines of each file together, in the order of their bars: equal bars give equal bytes.

    Args:
        rows: as :func:`csv_rows` gives them.
        tasks: how many are to take the files, which start a Python each; None is as many as any shuffle has.
    """
    gathered = rows.repartition("key") if tasks is None else rows.repartition(tasks, "key")
    return gathered.sortWithinPartitions("key", *BAR_KEY).select("key", "line")


def _replace_files(store: Store, versions: Mapping[str, str | None]) -> Callable[[Batches], Batches]:
    """Make the function that executors run: rows in, files written, one receipt per file out."""

    def run(batches: Batches) -> Batches:
        for key, lines in by_key(batches):
            data = csv_bytes(lines)
            is_replaced = store.read(key) != data
            try:
                if is_replaced:
                    store.replace(key, data, version=versions[key])
                is_done = True
            except ConflictError:
                is_done = False
            receipt = {"key": [key], "is_done": [is_done], "is_replaced": [is_replaced]}
            yield pa.RecordBatch.from_pydict(receipt)

    return run


def by_key(batches: Batches) -> Iterator[tuple[str, list[str]]]:
    """Gather lines, sorted by key, into one list per key, one file in memory at a time."""
    rows = (row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    for key, group in itertools.groupby(rows, key=lambda row: row[0]):
        yield key, [line for _, line in group]


def csv_bytes(lines: Iterable[str]) -> bytes:
    """Write a header and lines: UTF-8 without BOM, comma, LF, quotes where needed, null as nothing."""
    return "".join(f"{line}\n" for line in (",".join(CSV_COLUMNS), *lines)).encode()
