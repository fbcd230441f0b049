"""What is said to Spark on EMR: held against the paths and options of EMR's and Spark's documentation."""

import pytest

from scripts.submit_app.spark_options import Place, spark_conf, spark_submit, spark_submit_parameters
from scripts.submit_app.work import Kind, Label, Work

PLACE = Place("b", "x86_64")
#: https://docs.aws.amazon.com/emr/latest/ReleaseGuide: the Kinesis connector, and Delta Lake.
JARS = (
    "/usr/share/aws/kinesis/spark-sql-kinesis/lib/spark-streaming-sql-kinesis-connector.jar,"
    "/usr/share/aws/delta/lib/delta-spark.jar,"
    "/usr/share/aws/delta/lib/delta-storage.jar,"
    "/usr/share/aws/delta/lib/delta-storage-s3-dynamodb.jar"
)


def work(kind: Kind = Kind.STREAM, *arguments: str, **conf: str) -> Work:
    named = {key.replace("_", "."): value for key, value in conf.items()}
    return Work("prices", kind, "1.2.0-abc", "0123456789abcdef", arguments, named)


def test_the_whole_command_of_a_step() -> None:
    assert spark_submit(work(), PLACE) == [
        "spark-submit",
        "--deploy-mode=cluster",
        "--name=prices/stream/1.2.0-abc/0123456789abcdef",
        f"--jars={JARS}",
        "--py-files=s3://b/app/1.2.0-abc/code.zip",
        "--archives=s3://b/app/1.2.0-abc/deps-x86_64.tar.gz#deps",
        "--conf=spark.sql.catalogImplementation=in-memory",
        "--conf=spark.speculation=false",
        "--conf=spark.driver.memoryOverhead=1g",
        "--conf=spark.executor.memoryOverhead=1g",
        "--conf=spark.driver.cores=1",
        "--conf=spark.driver.memory=2g",
        "--conf=spark.executor.cores=2",
        "--conf=spark.executor.memory=4g",
        "--conf=spark.dynamicAllocation.enabled=false",
        "--conf=spark.executor.instances=1",
        "--conf=spark.pyspark.python=python3.11",
        "--conf=spark.pyspark.driver.python=python3.11",
        "--conf=spark.yarn.appMasterEnv.PYSPARK_PYTHON=python3.11",
        "--conf=spark.yarn.appMasterEnv.PYSPARK_DRIVER_PYTHON=python3.11",
        "--conf=spark.yarn.appMasterEnv.PYTHONPATH=deps",
        "--conf=spark.executorEnv.PYSPARK_PYTHON=python3.11",
        "--conf=spark.executorEnv.PYTHONPATH=deps",
        "--conf=spark.yarn.maxAppAttempts=2",
        "--conf=spark.yarn.am.attemptFailuresValidityInterval=1h",
        "--conf=spark.executor.failuresValidityInterval=1h",
        "s3://b/app/1.2.0-abc/stream_prices.py",
        "--config",
        "s3://b/settings/0123456789abcdef.yaml",
    ]


def test_a_batch_is_not_started_again_by_yarn_and_takes_what_is_free() -> None:
    conf = spark_conf(work(Kind.BACKFILL), "cluster")
    assert conf["spark.yarn.maxAppAttempts"] == "1"
    assert conf["spark.dynamicAllocation.enabled"] == "true"
    assert "spark.executor.instances" not in conf


def test_a_batch_has_its_own_arguments_behind_the_settings() -> None:
    command = spark_submit(work(Kind.BACKFILL, "--from=2026-01-05", "--to=2026-01-06"), PLACE)
    assert command[-5:] == [
        "s3://b/app/1.2.0-abc/backfill_prices.py",
        "--config",
        "s3://b/settings/0123456789abcdef.yaml",
        "--from=2026-01-05",
        "--to=2026-01-06",
    ]


def test_a_job_run_is_said_the_same_in_one_text() -> None:
    text = spark_submit_parameters(work(), PLACE)
    words = text.split()
    assert words[::2] == ["--conf"] * (len(words) // 2)
    conf = dict(word.split("=", 1) for word in words[1::2])
    assert conf["spark.jars"] == JARS
    assert conf["spark.submit.pyFiles"] == "s3://b/app/1.2.0-abc/code.zip"
    assert conf["spark.archives"] == "s3://b/app/1.2.0-abc/deps-x86_64.tar.gz#deps"
    for environment in ("spark.emr-serverless.driverEnv", "spark.executorEnv"):
        assert conf[f"{environment}.PYTHONPATH"] == "deps"
        assert conf[f"{environment}.PYSPARK_PYTHON"] == "python3.11"
    # Another of its options is YARN's, which is not there.
    assert not [key for key in conf if "yarn" in key]


@pytest.mark.parametrize("kind", list(Kind))
def test_workers_of_a_job_run_have_a_size_that_there_is(kind: Kind) -> None:
    """2 vCPU: from 4 to 16 GB, in steps of 1 GB, what is outside of the heap included."""
    conf = spark_conf(work(kind), "serverless")
    for part in ("driver", "executor"):
        gigabytes = sum(int(conf[f"spark.{part}.{what}"].removesuffix("g")) for what in ("memory", "memoryOverhead"))
        assert conf[f"spark.{part}.cores"] == "2"
        assert 4 <= gigabytes <= 16


def test_a_stream_fits_on_the_smallest_cluster() -> None:
    """The one core node, m6g.xlarge, of which YARN has 12,288 MiB: driver and executor side by side."""
    conf = spark_conf(work(), "cluster")
    assert conf["spark.executor.instances"] == "1"
    sizes = [conf[f"spark.{part}.{what}"] for part in ("driver", "executor") for what in ("memory", "memoryOverhead")]
    assert sum(int(size.removesuffix("g")) for size in sizes) * 1024 <= 12_288


@pytest.mark.parametrize("compute", ["cluster", "serverless"])
def test_what_the_settings_say_has_the_last_word(compute: str) -> None:
    conf = spark_conf(work(spark_executor_memory="7g", spark_mine="1"), compute)  # type: ignore[arg-type]
    assert (conf["spark.executor.memory"], conf["spark.mine"]) == ("7g", "1")


@pytest.mark.parametrize("value", ["a b", "a\nb", "a\tb"])
def test_a_blank_would_be_another_word(value: str) -> None:
    with pytest.raises(ValueError, match="blank"):
        spark_submit_parameters(work(spark_mine=value), PLACE)


def test_a_step_has_room_for_its_arguments() -> None:
    """10,240 characters in all, with the longest bucket and version that there can be."""
    longest = Work("s" * 128, Kind.BACKFILL, "v" * 64, "0" * 16, tuple(f"--coins={'c' * 100}" for _ in range(40)))
    command = spark_submit(longest, Place("b" * 63, "x86_64"))
    assert sum(map(len, command)) < 10_240


def test_another_interpreter_is_said_everywhere() -> None:
    conf = spark_conf(Work("s", Kind.STREAM, "v", "d", python="python3.12"), "cluster")
    assert [value for key, value in conf.items() if "python" in key.lower() and value != "deps"] == ["python3.12"] * 5


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Setup hadoop debugging",
        "prices/stream/1.2.0",
        "prices/rewind/1.2.0/0123",
        "prices/stream/1.2.0/0123/4567/89",
        "/stream/1.2.0/0123",
        "prices/stream//0123",
    ],
)
def test_the_name_of_a_step_of_others(name: str) -> None:
    assert Label.parse(name) is None


def test_a_name_is_read_as_it_was_written() -> None:
    for label in (work().label, work(Kind.AUDIT, "--repair").label):
        assert Label.parse(str(label)) == label


def test_other_arguments_are_another_name() -> None:
    names = {str(work(Kind.BACKFILL, *arguments).label) for arguments in (("--a", "b"), ("--a b",), ("--a", "c"), ())}
    assert len(names) == 4
