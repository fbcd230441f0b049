"""Spark options: all that is said to Spark on EMR from outside. Whatever the job sets itself is in ``jobs/session.py``.

Paths and options are from the documentation of EMR 7 and of Spark 3.5. **Nothing here was tried on AWS.**
"""

from dataclasses import dataclass
from typing import Final

from scripts.platform.stack import Architecture, Compute
from scripts.submit_app.work import ENTRIES, Kind, Work

#: In the image since EMR 7.1, and on no class path by itself. As plain paths these are copied to the executors.
CONNECTOR: Final = "/usr/share/aws/kinesis/spark-sql-kinesis/lib/spark-streaming-sql-kinesis-connector.jar"
#: The last one is the log store of ``job.s3.commit_table``.
DELTA: Final = tuple(
    f"/usr/share/aws/delta/lib/{name}.jar" for name in ("delta-spark", "delta-storage", "delta-storage-s3-dynamodb")
)

#: The folder that the dependencies are unpacked into, in the working folder of the driver and of each executor.
_DEPS: Final = "deps"

_ALWAYS: Final = {
    # The tables are found by their paths. No job asks the Hive metastore or Glue, and no role allows it to.
    "spark.sql.catalogImplementation": "in-memory",
    # A second attempt of a task that reads Kinesis would overwrite the position of the first.
    "spark.speculation": "false",
    # RocksDB and Python's own memory are outside of the heap.
    "spark.driver.memoryOverhead": "1g",
    "spark.executor.memoryOverhead": "1g",
}

_SIZE: Final = {
    # 3 and 5 GiB: together on the one core node of the smallest cluster (m6g.xlarge, of whose 16 GiB YARN has 12).
    "cluster": {
        "spark.driver.cores": "1",
        "spark.driver.memory": "2g",
        "spark.executor.cores": "2",
        "spark.executor.memory": "4g",
    },
    # A worker of 2 vCPU has 4 to 16 GiB.
    "serverless": {
        "spark.driver.cores": "2",
        "spark.driver.memory": "6g",
        "spark.executor.cores": "2",
        "spark.executor.memory": "6g",
    },
}

#: A stream works at one pace. Executors that come and go would only move its state about.
_STREAM: Final = {"spark.dynamicAllocation.enabled": "false", "spark.executor.instances": "1"}
#: A batch takes more machines where there are any, and may not take all of them.
_BATCH: Final = {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.maxExecutors": "4"}

#: A driver that dies is started once more by YARN, and goes on from its checkpoint; the second that dies within an
#: hour ends the step. Executors that failed longer ago than that are no reason to end a job of months.
_STREAM_ON_YARN: Final = {
    "spark.yarn.maxAppAttempts": "2",
    "spark.yarn.am.attemptFailuresValidityInterval": "1h",
    "spark.executor.failuresValidityInterval": "1h",
}
#: A batch is started again by whoever wants it: its arguments may be what it failed of.
_BATCH_ON_YARN: Final = {"spark.yarn.maxAppAttempts": "1"}


@dataclass(frozen=True)
class Place:
    """Where the artefact and the settings lie."""

    bucket: str
    architecture: Architecture

    def app(self, version: str, name: str) -> str:
        """Where a file of the artefact is."""
        return f"s3://{self.bucket}/app/{version}/{name}"

    def settings(self, digest: str) -> str:
        """Where the settings with this hash are."""
        return f"s3://{self.bucket}/settings/{digest}.yaml"


def spark_submit(work: Work, place: Place) -> list[str]:
    """Make the arguments of a step's ``command-runner.jar``: the whole command."""
    conf = [f"--conf={key}={value}" for key, value in spark_conf(work, "cluster").items()]
    return [
        "spark-submit",
        "--deploy-mode=cluster",
        f"--name={work.label}",
        f"--jars={','.join((CONNECTOR, *DELTA))}",
        f"--py-files={place.app(work.version, 'code.zip')}",
        f"--archives={_archive(work, place)}",
        *conf,
        entry_point(work, place),
        *entry_arguments(work, place),
    ]


def spark_submit_parameters(work: Work, place: Place) -> str:
    """Make the ``sparkSubmitParameters`` of a job run, which are one text.

    Raises:
        ValueError: a setting has a blank in it, which such a text cannot tell from its own.
    """
    options = {
        "spark.jars": ",".join((CONNECTOR, *DELTA)),
        "spark.submit.pyFiles": place.app(work.version, "code.zip"),
        "spark.archives": _archive(work, place),
        **spark_conf(work, "serverless"),
    }
    for key, value in options.items():
        if len(f"{key}={value}".split()) != 1:
            raise ValueError(f"{key}: {value!r} has a blank in it, which a job run cannot be given")
    return " ".join(f"--conf {key}={value}" for key, value in options.items())


def entry_point(work: Work, place: Place) -> str:
    """Where the program is."""
    return place.app(work.version, ENTRIES[work.kind])


def entry_arguments(work: Work, place: Place) -> list[str]:
    """What the program is given."""
    return ["--config", place.settings(work.settings), *work.arguments]


def spark_conf(work: Work, compute: Compute) -> dict[str, str]:
    """Work out Spark's settings. What ``job.spark.conf`` names has the last word."""
    is_stream = work.kind is Kind.STREAM
    conf = _ALWAYS | _SIZE[compute] | (_STREAM if is_stream else _BATCH) | _python(work.python, compute)
    if compute == "cluster":
        conf |= _STREAM_ON_YARN if is_stream else _BATCH_ON_YARN
    return conf | work.conf


def _python(python: str, compute: Compute) -> dict[str, str]:
    """Choose the interpreter, and let it find the dependencies.

    Spark puts ``--py-files`` and its own library in front of ``PYTHONPATH`` by itself. The relative folder is right
    for the driver too, since that runs where the archive is unpacked.
    """
    driver = "spark.yarn.appMasterEnv" if compute == "cluster" else "spark.emr-serverless.driverEnv"
    return {
        "spark.pyspark.python": python,
        "spark.pyspark.driver.python": python,
        f"{driver}.PYSPARK_PYTHON": python,
        f"{driver}.PYSPARK_DRIVER_PYTHON": python,
        f"{driver}.PYTHONPATH": _DEPS,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYTHONPATH": _DEPS,
    }


def _archive(work: Work, place: Place) -> str:
    return f"{place.app(work.version, f'deps-{place.architecture}.tar.gz')}#{_DEPS}"
