"""Lake: made from a little of the made-up market where a notebook needs one and there is none."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from explore.local_stream import join_stream
from explore.place import Place
from explore.producing import start_producer
from explore.streaming import start_job
from explore.tree import csv_store
from pricestream.errors import StorageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PATIENCE_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.2


def ensure_lake(place: Place, spark: "SparkSession") -> Place:
    """See that there are bars to look at: where there are none, stream some hours of the made-up market at full speed.

    Raises:
        StorageError: there are none, and it is not for a notebook to make them.
    """
    base = f"interval={place.settings.job.base_interval}"
    if next(iter(csv_store(place).list_keys(base)), None) is not None:
        return place
    if not place.is_own or place.settings.producer.source != "simulated":
        raise StorageError(f"{place.settings.job.csv}: has no bars yet; run 02_stream until a window has closed")
    joined = join_stream(place)
    producer = start_producer(_hurried(joined))
    job = start_job(joined, spark)
    until = time.monotonic() + _PATIENCE_SECONDS
    while not job.has_caught_up():
        producer.check()
        if time.monotonic() > until:
            raise StorageError(f"{place.lake}: the stream does not catch up; look at its status.json")
        time.sleep(_LOOK_SECONDS)
    job.stop()
    return joined


def _hurried(place: Place) -> Place:
    settings = place.settings
    simulated = settings.producer.simulated.model_copy(update={"speed": 0.0})
    producer = settings.producer.model_copy(update={"simulated": simulated})
    return replace(place, settings=settings.model_copy(update={"producer": producer}))
