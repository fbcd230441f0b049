from pathlib import Path

import pytest
from pyspark.sql import SparkSession


def test_spark_takes_its_classes_from_the_archive(spark: SparkSession, root: Path) -> None:
    java = spark.sparkContext._jvm.java.lang  # type: ignore[union-attr]
    maps = Path(f"/proc/{java.ProcessHandle.current().pid()}/maps")
    if not maps.exists():
        pytest.skip("only Linux tells which files a process has mapped")
    if not (Path(java.System.getProperty("java.home")) / "lib" / "server" / "classes.jsa").exists():
        pytest.skip("this Java has no archive of its own classes, on which ours would build")
    # Java keeps silent where it cannot use the archive, and is no worse than slow.
    assert str((root / ".local" / "spark.jsa").resolve()) in maps.read_text()
