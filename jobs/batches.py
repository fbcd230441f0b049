"""Batches: rows as Arrow has them, and functions over them that executors run in Python."""

from collections.abc import Callable, Iterable

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as t

from jobs.zip_finders import forget_zip_finders

Batches = Iterable[pa.RecordBatch]


def map_batches(rows: DataFrame, function: Callable[[Batches], Batches], schema: t.StructType | str) -> DataFrame:
    """Put the rows of each partition through a function, in their order.

    Args:
        rows: any.
        function: batches in, batches of ``schema`` out. A worker runs it, so it and what it holds are pickled.
        schema: of what it gives.
    """

    def run(batches: Batches) -> Batches:
        forget_zip_finders()
        return function(batches)

    return rows.mapInArrow(run, schema)
