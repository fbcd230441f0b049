"""The rows of history files as they are: each value in a column named by what it is, still untyped.

Every reader here gives the columns that the layout has a place for, named as in
:data:`jobs.history_layout.NAMES`, and: ``payload`` (the row as JSON), ``is_whole`` (false where the
row as such is damaged) and ``file`` (its path).
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.history_layout import NAMES, Layout

#: Folders within folders are read too, as archives have them.
FOLDERS: Final = {"recursiveFileLookup": "true"}

_DAMAGED: Final = "_damaged"
_FILE: Final = "_metadata.file_path"


def csv_rows(spark: SparkSession, path: str, layout: Layout) -> DataFrame:
    """Read CSV files. Headers, and addresses above them, are told by what they say, in whichever file they stand."""
    cells = [f"cell_{place}" for place in range(len(layout.names))]
    # Where a line has more or fewer cells than the header, Spark puts the whole of it into this column.
    schema = t.StructType([t.StructField(name, t.StringType()) for name in (*cells, _DAMAGED)])
    options = {**FOLDERS, "sep": layout.delimiter, "escape": '"', "columnNameOfCorruptRecord": _DAMAGED}
    lines = spark.read.options(**options).schema(schema).csv(path)
    # Nearly every row begins its time with a digit and is looked at no further.
    is_data = f.coalesce(f.col(cells[layout.places["time"]]).rlike(r"\A\s*[0-9]"), f.lit(False))
    rows = lines.filter(is_data | ~(_is_header(layout, cells) | _is_comment(cells)))
    whole_row = f.struct(*(f.col(cell).alias(name) for cell, name in zip(cells, _told_apart(layout), strict=True)))
    is_whole = f.col(_DAMAGED).isNull()
    values = [f.col(cells[place]).alias(what) for what, place in layout.places.items()]
    payload = f.when(is_whole, f.to_json(whole_row)).otherwise(f.col(_DAMAGED))
    return rows.select(*values, payload.cast("binary").alias("payload"), is_whole.alias("is_whole"), _file())


def json_rows(spark: SparkSession, path: str | Sequence[str], layout: Layout) -> DataFrame:
    """Read files of JSON lines. A value that is not a text becomes the text that it is written as."""
    names = {what: layout.names[place] for what, place in layout.places.items()}
    schema = t.StructType([t.StructField(name, t.StringType()) for name in dict.fromkeys(names.values())])
    lines = spark.read.options(**FOLDERS).text(path if isinstance(path, str) else list(path))
    rows = lines.filter(f.trim("value") != "").select("value", f.from_json("value", schema).alias("row"), _file())
    values = [f.col("row").getField(name).alias(what) for what, name in names.items()]
    payload = f.col("value").cast("binary").alias("payload")
    # Of a line that is no JSON, or of nothing that is asked for, every value is null.
    is_whole = f.coalesce(*(f.col("row").getField(name) for name in names.values())).isNotNull()
    return rows.select(*values, payload, is_whole.alias("is_whole"), "file")


def parquet_rows(spark: SparkSession, path: str, layout: Layout) -> DataFrame:
    """Read Parquet files. Values keep the types that the files have."""
    rows = spark.read.options(**FOLDERS).parquet(path)
    values = [rows[f"`{layout.names[place]}`"].alias(what) for what, place in layout.places.items()]
    payload = f.to_json(f.struct(*(rows[f"`{name}`"] for name in rows.columns))).cast("binary")
    return rows.select(*values, payload.alias("payload"), f.lit(True).alias("is_whole"), _file())


def _file() -> Column:
    return f.col(_FILE).alias("file")


def _told_apart(layout: Layout) -> list[str]:
    """Give each column a name of its own: a header may have one twice, or leave one empty."""
    names: list[str] = []
    for place, name in enumerate(layout.names, start=1):
        names.append(name if name and name not in names else f"{name or 'column'}_{place}")
    return names


def _is_header(layout: Layout, cells: Sequence[str]) -> Column:
    def says(what: str, place: int) -> Column:
        # The same rule as normal_name.
        normal = f.trim(f.regexp_replace(f.lower(cells[place]), "[^a-z0-9]+", " "))
        return f.translate(normal, " ", "_").isin(*NAMES[what])

    each = [says(what, place) for what, place in layout.places.items()]
    return f.coalesce(reduce(lambda left, right: left & right, each), f.lit(False))


def _is_comment(cells: Sequence[str]) -> Column:
    """Tell lines such as an archive's address, which have a cell or two."""
    is_short = reduce(lambda left, right: left & right, (f.col(cell).isNull() for cell in cells[2:]), f.lit(True))
    text = f.concat_ws(",", *cells[:2])
    return is_short & (text.startswith("#") | text.contains("://"))
