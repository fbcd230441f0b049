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


def test_the_settings_file_has_the_last_word() -> None:
    job = JobSettings.model_validate({"spark": {"shuffle_partitions": 8, "conf": {"spark.executor.memory": "9g"}}})
    conf = spark_conf(job)
    assert (conf["spark.sql.shuffle.partitions"], conf["spark.executor.memory"]) == ("8", "9g")
