"""The Spark session: what every job needs set, whatever the environment."""

from typing import Final

from pyspark.sql import SparkSession

from pricestream.job_settings import JobSettings

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
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    # What is merged into bars is kept in memory already; Delta need not make a copy of its own.
    "spark.databricks.delta.merge.materializeSource": "none",
}


def spark_conf(job: JobSettings) -> dict[str, str]:
    """Work out the Spark settings of a job. What ``spark.conf`` names has the last word."""
    partitions = str(job.spark.shuffle_partitions)
    conf = _ALWAYS | {
        "spark.sql.shuffle.partitions": partitions,
        # Delta reads the state of a table's log with this many tasks; its default of 50 is for millions of files.
        "spark.databricks.delta.snapshotPartitions": partitions,
    }
    if job.s3.endpoint_url:
        conf |= {
            "spark.hadoop.fs.s3a.endpoint": job.s3.endpoint_url,
            "spark.hadoop.fs.s3a.path.style.access": str(job.s3.path_style).lower(),
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(job.s3.endpoint_url.startswith("https")).lower(),
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            # Credentials come from the environment, never from a setting that the Spark UI would show.
            "spark.hadoop.fs.s3a.aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
        }
    return conf | job.spark.conf


def make_session(job: JobSettings) -> SparkSession:
    """Make the session, or take the one that spark-submit or a notebook already has."""
    builder = SparkSession.builder.appName(job.spark.app_name)
    if job.spark.master:
        builder = builder.master(job.spark.master)
    for key, value in spark_conf(job).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
