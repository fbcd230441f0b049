"""Session: the Spark that the kernel has, or one of our own."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from explore.local_stream import use_own_environment
from explore.place import Place
from pricestream.errors import StorageError
from pricestream.job_settings import JobSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: What Spark takes at its start only.
_AT_THE_START: Final = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog")

#: Where EMR has Spark's Python, and the jars that are on no class path by themselves. Not tried there.
_EMR_SPARK: Final = Path("/usr/lib/spark/python")
_EMR_JARS: Final = (
    "/usr/share/aws/kinesis/spark-sql-kinesis/lib/spark-streaming-sql-kinesis-connector.jar",
    "/usr/share/aws/delta/lib/delta-spark.jar",
    "/usr/share/aws/delta/lib/delta-storage.jar",
    "/usr/share/aws/delta/lib/delta-storage-s3-dynamodb.jar",
)


def open_spark(place: Place) -> "SparkSession":
    """Take the session that the kernel has, as EMR's PySpark kernel, or make one.

    Raises:
        StorageError: the kernel's was started without what Delta needs.
    """
    if place.is_own:
        use_own_environment()
    elif place.where != "laptop":
        _find_pyspark()
    from jobs.session import make_session, spark_conf

    job = _job_of(place)
    with _interrupts_as_they_are():
        spark = make_session(job, place.settings.stream.region)
    conf = spark_conf(job, place.settings.stream.region)
    lacking = [key for key in _AT_THE_START if conf[key] not in (spark.conf.get(key, None) or "").split(",")]
    if lacking:
        raise StorageError(
            f"the kernel's Spark was started without {lacking[0]}={conf[lacking[0]]}; set it for the kernel's session "
            "(docs/notebooks.md says where), and start the kernel anew"
        )
    # Below a cell a warning of Spark's is in the way; what fails is raised.
    spark.sparkContext.setLogLevel("ERROR")
    return spark


@contextmanager
def _interrupts_as_they_are() -> Iterator[None]:
    """Keep an interrupt of the kernel what it is: Spark would have it cancel all jobs, a running stream's as well."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


def _find_pyspark() -> None:
    """Let a plain Python kernel on a cluster find the cluster's own Spark."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        archives = sorted(str(each) for each in (_EMR_SPARK / "lib").glob("py4j-*.zip"))
        sys.path[:0] = [str(_EMR_SPARK), *archives]
        os.environ.setdefault("SPARK_HOME", str(_EMR_SPARK.parent))


def _job_of(place: Place) -> JobSettings:
    """Give the settings of the job with what a session needs at this place; what they say themselves stays."""
    job, conf = place.settings.job, {}
    if place.lake is not None:
        # By itself Spark would put it beside the notebooks.
        conf["spark.sql.warehouse.dir"] = str(place.lake / "warehouse")
    jars = ",".join(each for each in _EMR_JARS if Path(each).exists())
    if place.where != "laptop" and jars:
        conf["spark.jars"] = jars
    spark = job.spark.model_copy(update={"conf": conf | job.spark.conf})
    return job.model_copy(update={"spark": spark})
