"""A table that is to be tidied: which files it has on which dates, and what can be done about them.

Every step is a commit of its own that another writer of the table may get in the way of; then it is tried again.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from jobs.conflict import retry_on_conflict
from jobs.spark_setting import set_for_a_while
from jobs.storage import spark_path
from jobs.tables import require_table
from jobs.turn import turn
from pricestream.history_settings import RetentionSettings

#: The folder of a partition, whatever it is partitioned by beside the date.
_PARTITION: Final = re.compile(r"/((?:[a-z_]+=[^/]+/)*date=(\d{4}-\d{2}-\d{2})/)[^/]+$")

#: In how many tasks Delta lists the folders when it looks for what to remove. Spark's default is 10,000.
_LISTING_TASKS: Final = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
#: Whether a vacuum writes into the table's log that it begins and ends.
_VACUUM_IS_LOGGED: Final = "spark.databricks.delta.vacuum.logging.enabled"


@dataclass(frozen=True)
class TidyTable:
    """A Delta table that is partitioned by ``date``, alone or among other columns."""

    spark: SparkSession
    path: str

    def __post_init__(self) -> None:
        """Make sure that it is there.

        Raises:
            StorageError: it is not.
        """
        require_table(self.spark, self.path)

    def files(self) -> dict[date, "Files"]:
        """Count the files of each date. Only the table's log is read for it."""
        folders: Counter[tuple[date, str]] = Counter()
        for uri in self.spark.read.format("delta").load(spark_path(self.path)).inputFiles():
            match = _PARTITION.search(uri)
            if match:
                folders[date.fromisoformat(match[2]), match[1]] += 1
        found: dict[date, Files] = {}
        for (day, _), count in sorted(folders.items()):
            before = found.get(day, Files(0, 0))
            found[day] = Files(before.count + count, before.surplus + count - 1)
        return found

    def newest_arrival(self, dates: Collection[date]) -> dict[date, datetime]:
        """Tell when the last row came of each of some dates; for a table that knows ``ingested_at``."""
        rows = self._delta().toDF().filter(f.col("date").isin(sorted(dates)))
        newest = rows.groupBy("date").agg(f.unix_seconds(f.max("ingested_at")).alias("newest_s")).collect()
        return {row["date"]: datetime.fromtimestamp(row["newest_s"], UTC) for row in newest if row["newest_s"]}

    @retry_on_conflict
    def delete(self, dates: Collection[date]) -> None:
        """Delete dates whole. The condition is on the partition alone, so files are dropped and none is rewritten."""
        with turn(self.path):
            self._delta().delete(f.col("date").isin(sorted(dates)))

    @retry_on_conflict
    def compact(self, day: date) -> tuple[int, int]:
        """Pack the small files of a date, each partition's into one. The rows and their values stay as they are.

        Returns:
            How many files were taken, and how many were made of them.
        """
        with turn(self.path):
            done = self._delta().optimize().where(f"date = DATE'{day.isoformat()}'").executeCompaction()
        metrics = done.select("metrics.numFilesRemoved", "metrics.numFilesAdded").collect()[0]
        return int(metrics[0]), int(metrics[1])

    def vacuum(self, hours: int) -> None:
        """Remove files that are no longer part of the table and were replaced more than so many hours ago."""
        tasks = str(self.spark.sparkContext.defaultParallelism)
        # It changes nothing that a reader sees, so it need not be a commit that others must pass.
        with set_for_a_while(self.spark, {_LISTING_TASKS: tasks, _VACUUM_IS_LOGGED: "false"}):
            self._delta().vacuum(hours)

    def is_kept_as(self, retention: RetentionSettings) -> bool:
        """Tell whether the table's own properties say what the settings say."""
        properties = self._delta().detail().select("properties").collect()[0]["properties"]
        return all(properties.get(key) == value for key, value in _properties(retention).items())

    @retry_on_conflict
    def keep_as(self, retention: RetentionSettings) -> None:
        """Set the table's properties where they say otherwise.

        Delta refuses every commit that has begun before this one, plain appends included, so that this is only for
        times at which nobody else writes.
        """
        if self.is_kept_as(retention):
            return
        pairs = ", ".join(f"'{key}' = '{value}'" for key, value in _properties(retention).items())
        with turn(self.path):
            self.spark.sql(f"ALTER TABLE delta.`{self._quoted}` SET TBLPROPERTIES ({pairs})")

    @property
    def _quoted(self) -> str:
        return spark_path(self.path).replace("`", "``")

    def _delta(self) -> DeltaTable:
        return DeltaTable.forPath(self.spark, spark_path(self.path))


@dataclass(frozen=True)
class Files:
    """The files of one date."""

    count: int
    #: How many there are beyond the first of each partition.
    surplus: int


def _properties(retention: RetentionSettings) -> dict[str, str]:
    return {
        "delta.logRetentionDuration": f"interval {retention.log_days} days",
        "delta.deletedFileRetentionDuration": f"interval {retention.replaced_files_hours} hours",
    }
