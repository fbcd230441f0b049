"""Newest version: the number of a Delta table's last commit, for whoever asks often."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from jobs.storage import Store
from jobs.tables import log_entry, newest_version


@dataclass
class NewestVersion:
    """Looks for commits behind the last one that it saw.

    To ask Delta takes a tenth of a second, and whoever waits for bars waits for that too.
    """

    #: The table's files.
    store: Store
    path: str
    _seen: int | None = None

    def look(self, spark: SparkSession) -> int:
        """Tell the number of the newest commit, whoever made it."""
        version = newest_version(spark, self.path) if self._seen is None else self._seen
        while self.store.exists(log_entry(version + 1)):
            version += 1
        self._seen = version
        return version
