"""Last commit: the number of a Delta table's newest version, for whoever asks often."""

from dataclasses import dataclass, field

from pyspark.sql import SparkSession

from jobs.storage import Store
from jobs.tables import log_entry, newest_version


@dataclass
class LastCommit:
    """Looks for commits behind the last one that it saw.

    To ask Delta takes a tenth of a second, and whoever waits for bars waits for that too.
    """

    #: The table's files.
    store: Store
    path: str
    _seen: int | None = field(default=None, init=False, repr=False)

    def look(self, spark: SparkSession) -> int:
        """Tell its number, whoever made it."""
        version = self._seen
        # Where the one seen last is gone, the table was made anew, or its log is tidied up to a later one.
        if version is None or not self.store.exists(log_entry(version)):
            version = newest_version(spark, self.path)
        while self.store.exists(log_entry(version + 1)):
            version += 1
        self._seen = version
        return version
