"""Source: where rows come into Spark. The Kinesis stream in either connector's dialect, and ``ticks``."""

from datetime import UTC
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pyspark.sql import DataFrame, SparkSession

from jobs.storage import spark_path
from pricestream.aws_error import words_of
from pricestream.errors import StreamError
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings, StreamSettings

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


def kinesis_stream(spark: SparkSession, settings: Settings, *, goes_on: bool = False) -> DataFrame:
    """Read the Kinesis stream: columns of :data:`jobs.schema.KINESIS`, one row per record.

    Args:
        spark: a session.
        settings: which stream, by which connector, from where.
        goes_on: whether the checkpoint has positions already, and ``starting_position`` is for new shards alone.
    """
    source_format, options = kinesis_options(settings, goes_on=goes_on)
    return spark.readStream.format(source_format).options(**options).load()


def kinesis_options(settings: Settings, *, goes_on: bool = False) -> tuple[str, dict[str, str]]:
    """Name the connector's format and options. Credentials are left to the SDK's own chain."""
    stream, kinesis = settings.stream, settings.job.kinesis
    # A shard that the checkpoint does not know has come of a split or a merge while nobody read.
    position = "TRIM_HORIZON" if goes_on else kinesis.starting_position
    endpoint = stream.endpoint_url or f"https://kinesis.{stream.region}.amazonaws.com"
    fail_on_data_loss = str(kinesis.fail_on_data_loss).lower()
    if kinesis.connector == "qubole":
        return "kinesis", {
            "streamName": stream.name,
            "endpointUrl": endpoint,
            "region": stream.region,
            "startingposition": position,
            "failondataloss": fail_on_data_loss,
            # False means the SDK's whole chain (environment, profile, instance), not instance alone.
            "awsUseInstanceProfile": "false",
            "kinesis.executor.maxFetchRecordsPerShard": str(kinesis.max_fetch_records_per_shard),
            "kinesis.executor.maxFetchTimeInMs": str(kinesis.max_fetch_seconds_per_shard * 1000),
            "kinesis.client.avoidEmptyBatches": "true",
            # List the shards before every batch. By itself it keeps a list for a second; where all shards of that
            # list have ended, it makes a batch of nothing, and has lost its positions for good.
            "kinesis.client.describeShardInterval": "0s",
        }
    options = {
        "kinesis.streamName": stream.name,
        "kinesis.endpointUrl": endpoint,
        "kinesis.region": stream.region,
        "kinesis.consumerType": kinesis.consumer_type,
        "kinesis.startingPosition": position,
        "kinesis.failOnDataLoss": fail_on_data_loss,
        "kinesis.maxFetchRecordsPerShard": str(kinesis.max_fetch_records_per_shard),
        "kinesis.maxFetchTimePerShardSec": str(kinesis.max_fetch_seconds_per_shard),
    }
    if kinesis.consumer_name:
        options["kinesis.consumerName"] = kinesis.consumer_name
    return "aws-kinesis", options


def find_stream(stream: StreamSettings, client: "KinesisClient | None" = None) -> dict[str, str]:
    """Make sure that the stream is there before Spark starts, and tell what identifies it.

    Returns:
        ``stream`` (its ARN) and ``created``: a stream made anew under an old name is another one.

    Raises:
        StreamError: it is not there, or may not be read; the message says what to do.
    """
    try:
        client = client or boto3.client("kinesis", region_name=stream.region, endpoint_url=stream.endpoint_url)
        summary = client.describe_stream_summary(StreamName=stream.name)["StreamDescriptionSummary"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise StreamError(
                f"stream {stream.name} does not exist in {stream.region}; create it, or let the producer do so "
                "with --set producer.create_stream=true"
            ) from None
        raise StreamError(f"stream {stream.name}: {words_of(error)}") from None
    except (BotoCoreError, ValueError) as error:
        # A ValueError is an endpoint_url that is no URL.
        raise StreamError(f"stream {stream.name}: {words_of(error)}") from None
    if summary["StreamStatus"] not in ("ACTIVE", "UPDATING"):
        raise StreamError(f"stream {stream.name} is {summary['StreamStatus']}; wait until it is ACTIVE")
    return {"stream": summary["StreamARN"], "created": summary["StreamCreationTimestamp"].astimezone(UTC).isoformat()}


def ticks_stream(spark: SparkSession, job: JobSettings) -> DataFrame:
    """Read ``ticks`` as a stream: columns of :data:`jobs.schema.TICKS`.

    On a first start over a filled table its files come in no order, and the watermark may outrun some;
    what is dropped then is rebuilt like any straggler (:mod:`jobs.stragglers`).
    """
    return (
        spark.readStream.format("delta")
        # Compaction, retention and repairs rewrite files; what they rewrite was read already.
        .option("skipChangeCommits", "true")
        .load(spark_path(job.ticks))
    )
