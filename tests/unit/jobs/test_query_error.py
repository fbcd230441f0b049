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


NO_SPACE = """[STREAM_FAILED] Query [id = 1] terminated: An exception was raised by the Python Proxy. \
Return Message: Traceback (most recent call last):
  File "jobs/publish.py", line 122, in _publish_once
    receipts = rows.collect()
py4j.protocol.Py4JJavaError: An error occurred while calling o764.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 37.0 failed 1 times
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2856)
Caused by: org.apache.hadoop.fs.FSError: java.io.IOException: No space left on device
Caused by: java.io.IOException: No space left on device
\t... 31 more
"""

NO_SPACE_AT_LAST = "java.io.IOException: No space left on device"

NO_SPACE_FOR_ROWS = NO_SPACE.replace(
    "Caused by: org.apache.hadoop", "Caused by: [TASK_WRITE_FAILED] Task failed while writing rows to file:/lake.\n", 1
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NO_CONNECTOR, "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: aws-kinesis."),
        (NO_SPACE, NO_SPACE_AT_LAST),
        (
            NO_SPACE_FOR_ROWS,
            f"[TASK_WRITE_FAILED] Task failed while writing rows to file:/lake. {NO_SPACE_AT_LAST}",
        ),
        (IN_OUR_CODE, "pricestream.errors.StorageError: s3://lake/ticks: denied"),
        (IN_SPARK, "com.amazonaws.AmazonKinesisException: Stream prices under account 1 not found."),
        ("just this", "just this"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_one_line(text: str, reason: str) -> None:
    assert reason_of(text) == reason
