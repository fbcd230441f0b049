"""Finding files of history, and seeing from their first lines how they are laid out."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from jobs.history_ids import folder_pattern
from jobs.history_layout import Layout, csv_layout, json_layout, named_layout, places_in_header
from jobs.history_rows import FOLDERS
from jobs.query_error import reason_of
from jobs.storage import spark_path
from pricestream.errors import SourceError

CSV: Final = "CSV"
JSON: Final = "JSON lines"
PARQUET: Final = "Parquet"

_ENDINGS: Final = {
    ".csv": CSV,
    ".csv.gz": CSV,
    ".jsonl": JSON,
    ".jsonl.gz": JSON,
    ".ndjson": JSON,
    ".ndjson.gz": JSON,
    ".json": JSON,
    ".json.gz": JSON,
    ".parquet": PARQUET,
}

#: Enough for two candles in a row of each of a thousand coins.
_SAMPLE_ROWS: Final = 2_000
#: No row is that long; what is no text at all may have lines without end.
_LONGEST_LINE: Final = 20_000


@dataclass(frozen=True)
class Files:
    """The files at a path, all of one kind."""

    #: The path as a person gave it, and as Spark takes it.
    path: str
    spark_path: str
    kind: str
    #: Every file, by its full path, in order.
    names: tuple[str, ...]

    @property
    def first(self) -> str:
        """The file that stands for all when it comes to the layout."""
        return self.names[0]


def find_files(spark: SparkSession, path: str) -> Files:
    """List the files at a path.

    Raises:
        SourceError: there are none, or they are not all of one kind.
    """
    with explained(path):
        found = spark.read.options(**FOLDERS).text(spark_path(path)).inputFiles()
    names = tuple(sorted(plain_path(name) for name in found))
    kinds: dict[str, str] = {}
    for name in names:
        kind = next((kind for ending, kind in _ENDINGS.items() if name.lower().endswith(ending)), None)
        if kind is None:
            raise SourceError(
                f"{name}: does not end in .csv, .jsonl, .ndjson, .json (each perhaps with .gz) or .parquet; "
                "rename it, or give a pattern that leaves it out, such as 'folder/*.csv'"
            )
        kinds.setdefault(kind, name)
    if not kinds:
        raise SourceError(f"{path}: holds no files")
    if len(kinds) > 1:
        raise SourceError(
            f"{path}: holds files of several kinds, such as {' and '.join(kinds.values())}; "
            "give a pattern for one kind, such as 'folder/*.csv'"
        )
    files = Files(path, spark_path(path), next(iter(kinds)), names)
    _refuse_several_intervals(files)
    return files


def plain_path(uri: str) -> str:
    """Write a file's address, as Spark gives it, the way a person does."""
    return re.sub("^file:/+", "/", unquote(uri))


def _refuse_several_intervals(files: Files) -> None:
    # The tree that this project publishes has one folder for each.
    pattern = re.compile(folder_pattern("interval"))
    intervals = sorted({match[1] for name in files.names if (match := pattern.search(name))})
    if len(intervals) > 1:
        raise SourceError(
            f"{files.path}: holds several intervals ({', '.join(intervals)}); "
            f"give one of them, such as {files.path.rstrip('/')}/interval={intervals[0]}"
        )


def peek(spark: SparkSession, files: Files) -> Layout:
    """See how files are laid out, by the first lines of the first, and by the headers of the others.

    Raises:
        SourceError: it cannot be told, or not all of them are laid out alike.
    """
    first = re.sub(r"([\\\[\]{}*?])", r"\\\1", files.first)
    with explained(files.first):
        if files.kind == PARQUET:
            rows = spark.read.parquet(spark_path(first)).limit(_SAMPLE_ROWS)
            texts = rows.select(*(rows[f"`{name}`"].cast("string").alias(name) for name in _simple(rows.dtypes)))
            return named_layout(files.first, rows.columns, [row.asDict() for row in texts.collect()])
        value = f.substring("value", 1, _LONGEST_LINE).alias("line")
        lines = [row["line"] for row in spark.read.text(spark_path(first)).limit(_SAMPLE_ROWS).select(value).collect()]
    if files.kind == JSON:
        return json_layout(files.first, lines)
    layout = csv_layout(files.first, lines)
    if len(files.names) > 1:
        _refuse_other_headers(spark, files, layout)
    return layout


def _simple(kinds: Sequence[tuple[str, str]]) -> list[str]:
    """Name the columns whose values a text can tell."""
    return [name for name, kind in kinds if not kind.startswith(("array", "map", "struct", "binary"))]


def _refuse_other_headers(spark: SparkSession, files: Files, layout: Layout) -> None:
    """Make sure that every header, in whichever file, has each value where the first file has it.

    The rows of a file with another one would be read in the wrong order. Only lines that could be
    headers come to Python.
    """
    lines = spark.read.options(**FOLDERS).text(files.spark_path).select("value", f.input_file_name().alias("file"))
    # In this order, because few rows get past the first two.
    is_suspect = (
        ~f.col("value").rlike(r'\A\s*"?[0-9]')
        & f.col("value").rlike("(?i)price|close")
        & f.col("value").rlike(r"(?i)time|date|unix|\bts\b|snapped_at|window_start")
    )
    headers = lines.filter(is_suspect).groupBy("value").agg(f.min("file").alias("file"))
    with explained(files.path):
        found = headers.collect()
    for row in found:
        other = places_in_header(row["value"], layout)
        if other is not None and other != layout.places:
            name = plain_path(row["file"])
            raise SourceError(f"{name}: has other columns than {files.first}, or in another order; import it by itself")


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what Spark raises into one line that names the path."""
    try:
        yield
    except PySparkException as error:
        # Spark 4 has another name for it, and warns of the old one.
        condition = getattr(error, "getCondition", error.getErrorClass)()
        if condition == "PATH_NOT_FOUND":
            raise SourceError(f"{path}: there is no such file") from None
        raise SourceError(f"{path}: cannot be read: {reason_of(error)}") from None
    except Py4JError as error:
        raise SourceError(f"{path}: cannot be read: {reason_of(error)}") from None
