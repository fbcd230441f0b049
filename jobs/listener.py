"""Listener: every report of a streaming query, as it comes and once (docs/adr/0019)."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from pyspark.sql.streaming.listener import StreamingQueryListener

from jobs.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql.streaming.listener import (
        QueryIdleEvent,
        QueryProgressEvent,
        QueryStartedEvent,
        QueryTerminatedEvent,
    )

#: How long the last reports of queries that have ended are waited for.
_PATIENCE_SECONDS: Final = 3

log = logging.getLogger(__name__)


class ProgressListener(StreamingQueryListener):
    """Hands reports on. Spark calls it from a thread of its own, which waits meanwhile: nothing slow may be done."""

    def __init__(self, take: Callable[[Progress], None], queries: int) -> None:
        """Hand reports to ``take``; ``queries`` is how many are going to end."""
        super().__init__()
        self._take = take
        self._left = queries
        self._is_broken = False
        #: All of the queries have ended; Spark reports in order, so nothing comes behind it.
        self.ended = threading.Event()

    def onQueryStarted(self, event: "QueryStartedEvent") -> None:  # noqa: N802
        """Nothing is to be done."""

    def onQueryProgress(self, event: "QueryProgressEvent") -> None:  # noqa: N802
        """Hand a report on."""
        try:
            # The text as last_report has it, too: whoever reads one can read the other.
            self._take(json.loads(event.progress.json))
        except Exception as error:  # noqa: BLE001 - Spark would write pages of it, for every report
            if not self._is_broken:
                log.warning("metrics: a report cannot be read: %s: %s", type(error).__name__, error)
            self._is_broken = True

    def onQueryIdle(self, event: "QueryIdleEvent") -> None:  # noqa: N802
        """Nothing is to be done."""

    def onQueryTerminated(self, event: "QueryTerminatedEvent") -> None:  # noqa: ARG002, N802
        """Count it."""
        self._left -= 1
        if self._left <= 0:
            self.ended.set()


@contextmanager
def listening(spark: SparkSession, take: Callable[[Progress], None], *, queries: int) -> Iterator[None]:
    """Hand every report of the session's queries to ``take`` meanwhile.

    Args:
        spark: the session of the queries.
        take: is called with one report at a time, in Spark's order.
        queries: how many queries are going to run; at the end the last report of each is waited for a little.
    """
    listener = ProgressListener(take, queries)
    spark.streams.addListener(listener)
    try:
        yield
        listener.ended.wait(_PATIENCE_SECONDS)
    finally:
        # Where the JVM is gone, why it went is what matters.
        with suppress(Py4JError, OSError):
            spark.streams.removeListener(listener)
