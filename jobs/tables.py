"""The Delta tables: making them, adding to ``ticks``, and upserting ``bars``."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.days import utc_date
from jobs.revise import CHANGED, GONE
from jobs.schema import BARS, ROW_KEY, TICKS
from jobs.spark_setting import set_for_a_while
from jobs.storage import spark_path
from jobs.turn import turn
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from pricestream.job_settings import JobSettings

_TXN_APP_ID: Final = "spark.databricks.delta.write.txnAppId"
_TXN_VERSION: Final = "spark.databricks.delta.write.txnVersion"
_LAST_COMMIT: Final = "spark.databricks.delta.lastCommitVersionInSession"

#: The operations of commits that may change rows.
_CHANGES: Final = ("MERGE", "WRITE", "DELETE", "UPDATE")


def create_tables(spark: SparkSession, job: JobSettings) -> None:
    """Make the tables that are not there yet."""
    # To sum the log up takes as long as to add a batch, and whoever adds has read it already.
    seldom = {"delta.checkpointInterval": "50"}
    ticks = seldom | {
        # It is what finds the input of one batch again, and costs nothing while rows are only added.
        "delta.enableChangeDataFeed": "true",
        "delta.dataSkippingStatsColumns": "event_time,polled_at,status",
    }
    _create(spark, job.ticks, TICKS, ("date",), ticks)
    bars = seldom | {
        "delta.dataSkippingStatsColumns": "coin_id,window_start",
        # A micro-batch adds a small file to each interval, and reads those of its day: they are put together in time.
        "delta.autoOptimize.autoCompact": "true",
    }
    _create(spark, job.bars, BARS, ("interval", "date"), bars)
    for path, schema in ((job.ticks, TICKS), (job.bars, BARS)):
        _check_columns(spark, path, schema)


def _create(
    spark: SparkSession, path: str, schema: t.StructType, partitions: tuple[str, ...], properties: dict[str, str]
) -> None:
    builder = DeltaTable.createIfNotExists(spark).location(spark_path(path)).addColumns(schema)
    builder = builder.partitionedBy(*partitions)
    for key, value in properties.items():
        builder = builder.property(key, value)
    builder.execute()


def _check_columns(spark: SparkSession, path: str, schema: t.StructType) -> None:
    columns = spark.read.format("delta").load(spark_path(path)).columns
    lacking = [name for name in schema.names if name not in columns]
    if lacking:
        raise StorageError(
            f"{path}: was made by another version and has no column {', '.join(lacking)}; name a new folder in the "
            "settings, and fill it with a backfill"
        )


def append_ticks(ticks: DataFrame, job: JobSettings) -> None:
    """Add rows to ``ticks``, in one action: the connectors misbehave when a batch is read twice.

    There is no txnVersion on purpose. After a crash the connector may read a batch again over a
    longer range, and Delta would skip the whole of it, new records included.
    """
    with turn(job.ticks):
        ticks.write.format("delta").mode("append").save(spark_path(job.ticks))


def read_ticks(spark: SparkSession, job: JobSettings) -> DataFrame:
    """Read ``ticks`` as it stands: columns of :data:`jobs.schema.TICKS`."""
    return spark.read.format("delta").load(spark_path(job.ticks))


def ticks_added_since(spark: SparkSession, job: JobSettings, version: int) -> DataFrame:
    """Read the rows of ``ticks`` that came with later commits than this one: columns of :data:`jobs.schema.TICKS`."""
    if version >= newest_version(spark, job.ticks):
        return read_ticks(spark, job).limit(0)
    changes = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", version + 1)
    return changes.load(spark_path(job.ticks)).filter(f.col("_change_type") == "insert").select(*TICKS.names)


def read_bars(spark: SparkSession, job: JobSettings, *, version: int | None = None) -> DataFrame:
    """Read ``bars`` as it stands, or as it stood: columns of :data:`jobs.schema.BARS`."""
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(spark_path(job.bars))


def require_table(spark: SparkSession, path: str) -> None:
    """Make sure that there is a table.

    Raises:
        StorageError: there is none.
    """
    if not DeltaTable.isDeltaTable(spark, spark_path(path)):
        raise StorageError(f"{path}: there is no table; run jobs/stream_prices.py or a backfill first")


def log_entry(version: int) -> str:
    """Name the file, below a table's folder, that a commit is."""
    return f"_delta_log/{version:020d}.json"


def newest_version(spark: SparkSession, path: str) -> int:
    """Tell the number of a table's newest commit."""
    return int(DeltaTable.forPath(spark, spark_path(path)).history(1).collect()[0]["version"])


def look_ahead(spark: SparkSession, path: str, condition: str) -> None:
    """Have Delta work out the state of a table's newest version, for whoever reads or writes it next.

    It does so for each version, a tenth of a second or two, and keeps it.

    Args:
        spark: the session.
        path: the table.
        condition: on its columns, for which it goes over the statistics of files.
    """
    spark.read.format("delta").load(spark_path(path)).filter(condition).inputFiles()
    # How many files there are, and the like, is a reckoning of its own, which each write asks for.
    DeltaTable.forPath(spark, spark_path(path)).detail().collect()


def was_outrun(spark: SparkSession, path: str, read: int, txn: tuple[str, int] | None) -> bool:
    """Tell whether another writer's commit lies between the version that was read and ours, the session's last.

    Where there is none of ours, Delta has taken the transaction for done. Yet there was something to write: that it was
    done is true, and it was outrun, before a crash.
    """
    ours = int(spark.conf.get(_LAST_COMMIT) or read)
    if ours <= read:
        return txn is not None
    if ours == read + 1:
        return False
    # The newest may be later than ours, and the last entries of the history count from there.
    commits = DeltaTable.forPath(spark, spark_path(path)).history(newest_version(spark, path) - read)
    since = commits.filter((f.col("version") > read) & (f.col("version") <= ours))
    # One of those that change rows is ours. Compaction changes none; ours may have been followed by one of its own.
    return since.filter(f.col("operation").isin(*_CHANGES)).count() > 1


def final_through_s(spark: SparkSession, job: JobSettings, *, since_s: int = 0) -> int:
    """Tell when the last window ends of which ``bars`` has a final row, epoch seconds; ``since_s`` where none is later.

    Only dates are read that can have a later one: the table may hold years.
    """
    # A window that ends later began at most its own length before.
    first = utc_date(since_s - max(map(interval_seconds, job.all_intervals)))
    recent = read_bars(spark, job).filter(f.col("is_final") & (f.col("date") >= f.lit(first).cast("date")))
    last = recent.agg(f.max(f.unix_seconds("window_end"))).collect()[0][0]
    return max(since_s, last or 0)


def upsert_bars(
    bars: DataFrame, job: JobSettings, *, span: str, changes: Collection[str], txn: tuple[str, int] | None
) -> None:
    """Bring bars into the table, in place of those with the same key.

    Args:
        bars: columns of :data:`jobs.schema.BARS` and ``change`` (:func:`jobs.revise.revise`), each key once.
        job: where the table is.
        span: a condition on the columns of ``stored`` that all of the bars meet, to prune files by.
        changes: which there are.
        txn: (application id, version): a second upsert under the same pair does nothing.

    Raises:
        ConcurrentAppendException: or another of Delta's conflicts: another writer was in the same files meanwhile.
    """
    is_gone = f"new.change = '{GONE}'"
    same_bar = " AND ".join(f"stored.{key} = new.{key}" for key in ROW_KEY)
    with turn(job.bars), _transaction(bars.sparkSession, txn):
        merge = DeltaTable.forPath(bars.sparkSession, spark_path(job.bars)).alias("stored")
        into = merge.merge(bars.alias("new"), f"{span} AND {same_bar}")
        # Without an update Delta has no file to rewrite, which is how it mostly is. It still notices a
        # writer that puts the same bars in meanwhile, which a plain append would not.
        if GONE in changes:
            into = into.whenMatchedDelete(is_gone)
        if CHANGED in changes:
            into = into.whenMatchedUpdateAll()
        into.whenNotMatchedInsertAll(f"NOT {is_gone}").execute()


def _transaction(spark: SparkSession, txn: tuple[str, int] | None) -> AbstractContextManager[None]:
    # A merge takes its transaction from the session. A micro-batch has a session of its own, so the
    # other query's writes never see this.
    if txn is None:
        return nullcontext()
    return set_for_a_while(spark, {_TXN_APP_ID: txn[0], _TXN_VERSION: str(txn[1])})
