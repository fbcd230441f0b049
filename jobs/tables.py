"""The Delta tables: making them, adding to ``ticks``, and upserting ``bars``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from jobs.schema import BAR_KEY, BARS, TICKS
from jobs.storage import spark_path
from pricestream.job_settings import JobSettings

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


def upsert_bars(
    bars: DataFrame, job: JobSettings, *, span: str, has_updates: bool, txn: tuple[str, int] | None
) -> None:
    """Put bars into the table, in place of those with the same key.

    Args:
        bars: columns of :data:`jobs.schema.BARS`, each key once.
        job: where the table is.
        span: a condition on the columns of ``stored`` that all of the bars meet, to prune files by.
        has_updates: whether the table holds any of the keys.
        txn: (application id, version): a second upsert under the same pair does nothing.

    Raises:
        ConcurrentAppendException: or another of Delta's conflicts: another writer was in the same files meanwhile.
    """
    same_bar = " AND ".join(f"stored.{key} = new.{key}" for key in ("interval", *BAR_KEY))
    with _transaction(bars.sparkSession, txn):
        merge = DeltaTable.forPath(bars.sparkSession, spark_path(job.bars)).alias("stored")
        into = merge.merge(bars.alias("new"), f"{span} AND {same_bar}").whenNotMatchedInsertAll()
        # Without an update Delta has no file to rewrite, which is how it mostly is. It still notices a
        # writer that puts the same bars in meanwhile, which a plain append would not.
        (into.whenMatchedUpdateAll() if has_updates else into).execute()


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
