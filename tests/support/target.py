"""Target: which Spark this environment has, and what that goes without (docs/adr/0020-second-target.md)."""

from importlib.metadata import version

import pytest


def skip_without_connector() -> None:
    """Leave a test out where Spark can read neither Kinesis nor S3: on the second target."""
    spark = version("pyspark")
    if not spark.startswith("3."):
        pytest.skip(f"needs Kinesis or S3, for which the environment of Spark {spark} has no jars")
