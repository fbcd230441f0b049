"""What counts as another writer in the way, and is tried again."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.conflict import is_conflict, retry_on_conflict
from tests.support.conflict import conflict
from tests.support.streaming import wait_for


def merge_while(spark: SparkSession, table: str, begun: Path, may_go_on: Path) -> None:
    """Merge a row whose making says that it has begun, and waits."""

    def make(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import time

        for batch in batches:
            begun.touch()
            until = time.monotonic() + 60
            while not may_go_on.exists() and time.monotonic() < until:
                time.sleep(0.05)
            yield batch

    rows = spark.createDataFrame([(1, "merged")], "id INT, by STRING").mapInArrow(make, "id INT, by STRING")
    stored = DeltaTable.forPath(spark, table).alias("stored")
    stored.merge(rows.alias("new"), "stored.id = new.id").whenNotMatchedInsertAll().execute()


def test_two_writers_of_the_same_rows_are_a_conflict_and_the_second_tries_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    table, begun, may_go_on = str(tmp_path / "table"), tmp_path / "begun", tmp_path / "go_on"
    spark.createDataFrame([(0, "first")], "id INT, by STRING").write.format("delta").save(table)
    found: list[BaseException] = []

    @retry_on_conflict
    def merge() -> None:
        try:
            merge_while(spark, table, begun, may_go_on)
        except BaseException as error:
            found.append(error)
            raise

    writer = threading.Thread(target=merge)
    writer.start()
    try:
        wait_for("the merge to begin", lambda: begun.exists() or not writer.is_alive(), 60)
        spark.createDataFrame([(1, "in between")], "id INT, by STRING").write.format("delta").mode("append").save(table)
    finally:
        may_go_on.touch()
        writer.join(60)
    assert [is_conflict(error) for error in found] == [True]
    rows = DeltaTable.forPath(spark, table).toDF().collect()
    # The second time it has seen the other's row.
    assert sorted((row["id"], row["by"]) for row in rows) == [(0, "first"), (1, "in between")]


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        ("ConcurrentAppendException", True),
        ("ConcurrentDeleteDeleteException", True),
        ("ConcurrentDeleteReadException", True),
        ("ConcurrentTransactionException", True),
        ("ConcurrentWriteException", True),
        # Nobody who tries again finds what he knew of the table.
        ("MetadataChangedException", False),
        ("ProtocolChangedException", False),
    ],
)
def test_another_writer_s_rows_are_a_conflict_and_another_table_is_none(
    spark: SparkSession, kind: str, is_one: bool
) -> None:
    assert is_conflict(conflict(spark, kind)) is is_one


def test_nothing_else_is_a_conflict(spark: SparkSession) -> None:
    somebody_else_s = type("ConcurrentAppendException", (Exception,), {})
    assert not is_conflict(somebody_else_s())
    with pytest.raises(Exception, match="PATH_NOT_FOUND") as raised:
        spark.read.parquet("/nowhere").collect()
    assert not is_conflict(raised.value)
