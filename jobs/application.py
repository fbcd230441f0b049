"""Application: the Spark session of a whole run, whose failures are said in one line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.query_error import QueryError, reason_of
from jobs.session import make_session
from pricestream.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def open_session(settings: Settings) -> Iterator[SparkSession]:
    """Make the session of a run, and stop it at the end.

    Raises:
        QueryError: Spark failed.
        StorageError: ``s3.commit_table`` is set, and drivers would not take turns all the same.
    """
    spark = make_session(settings.job, settings.stream.region)
    spark.sparkContext.setLogLevel("WARN")
    try:
        yield spark
    except (PySparkException, Py4JError) as error:
        # Spark's own text is pages of Java; one line of it says what a person can act on.
        log.debug("Spark failed", exc_info=True)
        raise QueryError(f"Spark failed: {reason_of(error)}") from None
    finally:
        spark.stop()
