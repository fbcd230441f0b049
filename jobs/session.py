"""The Spark session: what every job needs set, whatever the environment."""

from contextlib import AbstractContextManager
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.spark_setting import set_for_a_while
from jobs.storage import is_on_disk
from pricestream.errors import StorageError
from pricestream.job_settings import JobSettings

#: So many dates a task writes side by side, in whatever order its rows come.
DATES_SIDE_BY_SIDE: Final = 7

_ALWAYS: Final = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Every time is UTC, on the wire, in the tables and in the CSV.
    "spark.sql.session.timeZone": "UTC",
    # A second attempt of a task that reads Kinesis would overwrite the position of the first.
    "spark.speculation": "false",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Without it the state is said to have no rows. It costs 4 µs for each window of a coin that a batch touches.
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "true",
    # What is merged into bars is kept in memory already; Delta need not make a copy of its own.
    "spark.databricks.delta.merge.materializeSource": "none",
    # Tasks share a file by its row groups. By default those are 128 MB, and the bars of a day would be read by one.
    "spark.hadoop.parquet.block.size": str(16 << 20),
    # By default times are INT96, which Parquet has given up: half as long again, without least and most, and
    # read by others as a time of no zone.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Hardly two rows have the same of these, yet Parquet would gather a dictionary of each before it gives up.
    **{f"spark.hadoop.parquet.enable.dictionary#{name}": "false" for name in ("payload", "sequence_number", "tick_id")},
    # With as many as this a task begins to sort its rows by date instead.
    "spark.sql.maxConcurrentOutputFileWriters": str(DATES_SIDE_BY_SIDE + 1),
    # The small files of micro-batches are packed into some of a few hours, and those of half this size are left alone.
    # One of a whole day would be read whole by each micro-batch, and written anew for each window that fills.
    "spark.databricks.delta.autoCompact.maxFileSize": str(16 << 20),
}

#: On a disk Spark and Delta would otherwise run a program of the shell for every file that they rename, to ask whether
#: it is a link: a hundred a second. Both ways are as safe (docs/adr/0014).
_ON_DISK: Final = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
}

_LOOKS_A_TRIGGER: Final = 5

#: How many ticks one task turns into bars.
_ROWS_A_PARTITION: Final = 250_000

#: Lets one driver at a time commit a version of a Delta table on S3, by an entry in a table of DynamoDB.
_LOG_STORE: Final = "io.delta.storage.S3DynamoDBLogStore"
#: Which log store a scheme has. Delta takes them from the context, so they must be set before there is one.
_LOG_STORE_KEYS: Final = ("spark.delta.logStore.s3.impl", "spark.delta.logStore.s3a.impl")


def spark_conf(job: JobSettings, region: str | None = None) -> dict[str, str]:
    """Work out the Spark settings of a job. What ``spark.conf`` names has the last word.

    Args:
        job: the settings.
        region: where ``s3.commit_table`` is, the region of the stream; needed only where there is one.
    """
    partitions = str(job.spark.shuffle_partitions)
    conf = _ALWAYS | {
        "spark.sql.shuffle.partitions": partitions,
        # Delta reads the state of a table's log with this many tasks; its default of 50 is for millions of files.
        "spark.databricks.delta.snapshotPartitions": partitions,
        # How long the bars wait before they look again whether ticks have landed: a look lists the log of the table.
        "spark.sql.streaming.pollingDelay": f"{max(10, round(job.trigger_seconds * 1_000 / _LOOKS_A_TRIGGER))}ms",
    }
    if is_on_disk(job.checkpoint):
        conf |= _ON_DISK
    if job.s3.endpoint_url:
        conf |= {
            "spark.hadoop.fs.s3a.endpoint": job.s3.endpoint_url,
            "spark.hadoop.fs.s3a.path.style.access": str(job.s3.path_style).lower(),
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(job.s3.endpoint_url.startswith("https")).lower(),
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            # Credentials come from the environment, never from a setting that the Spark UI would show.
            "spark.hadoop.fs.s3a.aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
        }
    if job.s3.commit_table:
        conf |= _commit_conf(job.s3.commit_table, region)
    return conf | job.spark.conf


def _commit_conf(table: str, region: str | None) -> dict[str, str]:
    if region is None:
        # Left out, it would be us-east-1: another table than the other drivers', and commits would be lost.
        raise ValueError("a session with s3.commit_table needs the region of the table")
    return dict.fromkeys(_LOG_STORE_KEYS, _LOG_STORE) | {
        f"spark.{_LOG_STORE}.ddb.tableName": table,
        f"spark.{_LOG_STORE}.ddb.region": region,
    }


def make_session(job: JobSettings, region: str | None = None) -> SparkSession:
    """Make the session, or take the one that spark-submit or a notebook already has.

    Args:
        job: the settings.
        region: where ``s3.commit_table`` is, the region of the stream; needed only where there is one.

    Raises:
        StorageError: ``s3.commit_table`` is set, and drivers would not take turns all the same.
    """
    builder = SparkSession.builder.appName(job.spark.app_name)
    if job.spark.master:
        builder = builder.master(job.spark.master)
    conf = spark_conf(job, region)
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if job.s3.commit_table:
        check_log_store(spark, conf)
    return spark


def check_log_store(spark: SparkSession, conf: dict[str, str]) -> None:
    """Make sure that Delta will commit through the log store that the settings ask for.

    Raises:
        StorageError: it can not, or the context was there before with another one.
    """
    for name in dict.fromkeys(conf[key] for key in _LOG_STORE_KEYS):
        if missing := _missing_class(spark, name):
            raise StorageError(
                f"job.s3.commit_table needs {missing}, which is not on the class path; add "
                "delta-storage-s3-dynamodb.jar of Delta's version, and the AWS SDK for DynamoDB that it was built "
                "with, to --jars (EMR has the first in /usr/share/aws/delta/lib)"
            )
    context = spark.sparkContext.getConf()
    if any(context.get(key) != conf[key] for key in _LOG_STORE_KEYS):
        raise StorageError(
            "job.s3.commit_table is set, but Spark was started without it, and Delta keeps the log store of the start; "
            "start a new Spark application"
        )


def _missing_class(spark: SparkSession, name: str) -> str | None:
    """Name the class that is not on the class path: this one, or one that it speaks of, such as its SDK's client."""
    utils = spark.sparkContext._jvm.org.apache.spark.util.Utils  # type: ignore[union-attr]  # noqa: SLF001
    try:
        # To list what it declares, Java looks for the classes of all that.
        declared = utils.classForName(name, False, False)
        declared.getDeclaredFields()
        declared.getDeclaredMethods()
    except Py4JJavaError as error:
        return str(error.java_exception.getMessage()).replace("/", ".")
    return None


def shuffled(spark: SparkSession, job: JobSettings, rows: int) -> AbstractContextManager[None]:
    """Shuffle into as many partitions as so many rows need, so that one fits into memory; back at the end."""
    partitions = max(job.spark.shuffle_partitions, -(-rows // _ROWS_A_PARTITION))
    return set_for_a_while(spark, {"spark.sql.shuffle.partitions": str(partitions)})
