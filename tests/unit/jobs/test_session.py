import pytest

from jobs.session import spark_conf
from pricestream.job_settings import JobSettings


def test_a_stand_in_for_s3_is_spoken_to_as_the_settings_say() -> None:
    job = JobSettings.model_validate({"s3": {"endpoint_url": "http://127.0.0.1:5000", "path_style": True}})
    conf = spark_conf(job)
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:5000"
    assert conf["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"


def test_on_aws_s3_is_left_as_the_cluster_has_it() -> None:
    assert not [key for key in spark_conf(JobSettings()) if "fs.s3" in key]


def test_times_are_utc_and_a_task_that_reads_kinesis_runs_once() -> None:
    conf = spark_conf(JobSettings())
    assert conf["spark.sql.session.timeZone"] == "UTC"
    assert conf["spark.speculation"] == "false"


def test_packed_files_of_bars_hold_hours_and_not_days() -> None:
    # A bar is some 100 bytes in them: of 1,000 coins a minute 160 minutes.
    assert int(spark_conf(JobSettings())["spark.databricks.delta.autoCompact.maxFileSize"]) // (1_000 * 100) < 180


@pytest.mark.parametrize(("seconds", "delay"), [(15, "3000ms"), (0.5, "100ms"), (0, "10ms")])
def test_the_bars_look_for_ticks_some_times_between_two_triggers(seconds: float, delay: str) -> None:
    conf = spark_conf(JobSettings(trigger_seconds=seconds))
    assert conf["spark.sql.streaming.pollingDelay"] == delay


def test_the_settings_file_has_the_last_word() -> None:
    job = JobSettings.model_validate({"spark": {"shuffle_partitions": 8, "conf": {"spark.executor.memory": "9g"}}})
    conf = spark_conf(job)
    assert (conf["spark.sql.shuffle.partitions"], conf["spark.executor.memory"]) == ("8", "9g")


def test_drivers_take_turns_by_the_table_that_the_settings_name() -> None:
    # The keys are those of Delta's own documentation.
    job = JobSettings.model_validate({"s3": {"commit_table": "pricestream"}})
    conf = spark_conf(job, "eu-west-1")
    assert conf["spark.delta.logStore.s3.impl"] == "io.delta.storage.S3DynamoDBLogStore"
    assert conf["spark.delta.logStore.s3a.impl"] == "io.delta.storage.S3DynamoDBLogStore"
    assert conf["spark.io.delta.storage.S3DynamoDBLogStore.ddb.tableName"] == "pricestream"
    assert conf["spark.io.delta.storage.S3DynamoDBLogStore.ddb.region"] == "eu-west-1"


def test_without_such_a_table_deltas_own_log_store_is_left_alone() -> None:
    conf = spark_conf(JobSettings(), "eu-west-1")
    assert not [key for key in conf if "logStore.s3" in key or "DynamoDB" in key]


@pytest.mark.parametrize("checkpoint", ["lake/checkpoint", "/lake/checkpoint", "file:/lake/checkpoint"])
def test_on_a_disk_no_program_is_started_for_each_rename(checkpoint: str) -> None:
    # The names are those of Spark's and Delta's own classes.
    conf = spark_conf(JobSettings(checkpoint=checkpoint))
    manager = conf["spark.sql.streaming.checkpointFileManagerClass"]
    assert manager == "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"
    assert conf["spark.delta.logStore.file.impl"] == "io.delta.storage.LocalLogStore"


def test_elsewhere_checkpoints_are_written_as_spark_does() -> None:
    conf = spark_conf(JobSettings(checkpoint="s3://bucket/checkpoint"))
    assert not [key for key in conf if "checkpointFileManager" in key or "logStore" in key]


def test_a_table_in_no_region_is_refused() -> None:
    job = JobSettings.model_validate({"s3": {"commit_table": "pricestream"}})
    with pytest.raises(ValueError, match="needs the region"):
        spark_conf(job)
