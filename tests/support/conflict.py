"""Conflicts of two writers, as Python sees those that Delta raises in Java: not alike in every version of it."""

from py4j.protocol import Py4JJavaError
from pyspark.errors.exceptions.captured import capture_sql_exception
from pyspark.sql import SparkSession


def conflict(spark: SparkSession, kind: str = "ConcurrentAppendException") -> Exception:
    """Give what a call that fails in Java with this exception of Delta's raises in Python."""
    java = getattr(spark.sparkContext._jvm.io.delta.exceptions, kind)  # type: ignore[union-attr]

    def fails() -> None:
        raise Py4JJavaError("the call failed", java("files were added"))

    try:
        capture_sql_exception(fails)()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it did not fail")
