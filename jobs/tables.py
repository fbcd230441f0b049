"""The Delta tables: making them, adding to ``ticks``, and upserting ``bars``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import types as t

from jobs.schema import BAR_KEY, BAR_STATISTICS, BARS, TICKS
from jobs.storage import spark_path
from pricestream.settings import JobSettings

_TXN_APP_ID: Final = "spark.databricks.delta.write.txnAppId"
_TXN_VERSION: Final = "spark.databricks.delta.write.txnVersion"


def create_tables(spark: SparkSession, job: JobSettings) -> None:
    """Make the tables that are not there yet."""
    # The change feed is what finds the input of one batch again; it costs nothing while rows are only added.
    ticks = {"delta.enableChangeDataFeed": "true", "delta.dataSkippingStatsColumns": "event_time,polled_at,status"}
    _create(spark, job.ticks, TICKS, ("date",), ticks)
    bars = {"delta.dataSkippingStatsColumns": "coin_id,window_start"}
    _create(spark, job.bars, BARS, ("interval", "date"), bars)


def _create(
    spark: SparkSession, path: str, schema: t.StructType, partitions: tuple[str, ...], properties: dict[str, str]
) -> None:
    builder = DeltaTable.createIfNotExists(spark).location(spark_path(path)).addColumns(schema)
    builder = builder.partitionedBy(*partitions)
    for key, value in properties.items():
        builder = builder.property(key, value)
    builder.execute()


def append_ticks(ticks: DataFrame, job: JobSettings) -> None:
    """Add rows to ``ticks``, in one action: the connectors misbehave when a batch is read twice.

    There is no txnVersion on purpose. After a crash the connector may read a batch again over a
    longer range, and Delta would skip the whole of it, new records included.
    """
    ticks.write.format("delta").mode("append").save(spark_path(job.ticks))


def read_ticks(spark: SparkSession, job: JobSettings) -> DataFrame:
    """Read ``ticks`` as it stands: columns of :data:`jobs.schema.TICKS`."""
    return spark.read.format("delta").load(spark_path(job.ticks))


def read_bars(spark: SparkSession, job: JobSettings) -> DataFrame:
    """Read ``bars`` as it stands: columns of :data:`jobs.schema.BARS`."""
    return spark.read.format("delta").load(spark_path(job.bars))


def upsert_bars(bars: DataFrame, job: JobSettings, *, span: str, txn: tuple[str, int] | None) -> None:
    """Put bars into the table: new ones in, changed ones over the old with their ``revision`` up by one.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once.
        job: where the table is.
        span: a condition on the table's columns that all of the bars meet, to prune files by.
        txn: (application id, version): a second upsert under the same pair does nothing.
    """
    same_bar = " AND ".join(["stored.interval = new.interval", *(f"stored.{key} = new.{key}" for key in BAR_KEY)])
    compared = (*BAR_STATISTICS, "log_return", "is_final")
    is_changed = " OR ".join(f"NOT (stored.{name} <=> new.{name})" for name in compared)
    values: dict[str, str | Column] = {name: f"new.{name}" for name in BARS.names}
    with _transaction(bars.sparkSession, txn):
        (
            DeltaTable.forPath(bars.sparkSession, spark_path(job.bars))
            .alias("stored")
            .merge(bars.alias("new"), f"{span} AND {same_bar}")
            .whenMatchedUpdate(is_changed, values | {"revision": "stored.revision + 1"})
            .whenNotMatchedInsert(values=values)
            .execute()
        )


@contextmanager
def _transaction(spark: SparkSession, txn: tuple[str, int] | None) -> Iterator[None]:
    # A merge takes its transaction from the session. A micro-batch has a session of its own, so the
    # other query's writes never see this.
    if txn is None:
        yield
        return
    app_id, version = txn
    spark.conf.set(_TXN_APP_ID, app_id)
    spark.conf.set(_TXN_VERSION, str(version))
    try:
        yield
    finally:
        spark.conf.unset(_TXN_APP_ID)
        spark.conf.unset(_TXN_VERSION)
