"""What went wrong in Spark, in one line."""

import pytest

from jobs.query_error import reason_of

IN_OUR_CODE = """[STREAM_FAILED] Query [id = 1] terminated: An exception was raised by the Python Proxy. \
Return Message: Traceback (most recent call last):
  File "clientserver.py", line 617, in _call_proxy
    return_value = getattr(self.pool[obj_id], method)(*params)
  File "jobs/stream.py", line 35, in land
    append_ticks(batch, job)
pricestream.errors.StorageError: s3://lake/ticks: denied

	at py4j.Protocol.getReturnValue(Protocol.java:476)
"""

IN_SPARK = """Job aborted due to stage failure
=== Streaming Query ===
Caused by: java.lang.IllegalStateException: Gave up after 3 retries while List shards
Caused by: com.amazonaws.AmazonKinesisException: Stream prices under account 1 not found.
"""


NO_CONNECTOR = """An error occurred while calling o60.load.
: org.apache.spark.SparkClassNotFoundException: [DATA_SOURCE_NOT_FOUND] Failed to find the data source: aws-kinesis.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.dataSourceNotFoundError(QueryExecutionErrors.scala:725)
Caused by: java.lang.ClassNotFoundException: aws-kinesis.DefaultSource
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NO_CONNECTOR, "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: aws-kinesis."),
        (IN_OUR_CODE, "pricestream.errors.StorageError: s3://lake/ticks: denied"),
        (IN_SPARK, "com.amazonaws.AmazonKinesisException: Stream prices under account 1 not found."),
        ("just this", "just this"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_one_line(text: str, reason: str) -> None:
    assert reason_of(text) == reason
