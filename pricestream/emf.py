"""EMF: a reading as a line of CloudWatch's embedded metric format, out of which CloudWatch makes metrics.

The format is Amazon's "Specification: Embedded metric format".
"""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Final

from pricestream.metric import NAMESPACE, Metric, Reading, Value

#: The format's limits: metrics of a document, values of a metric, characters of a dimension's value.
MAX_METRICS: Final = 100
MAX_VALUES: Final = 100
MAX_DIMENSION: Final = 1024


def emf_line(reading: Reading) -> str | None:
    """Write a reading as one line of JSON; None where it says nothing that can be written.

    A value that is no finite number is left out: CloudWatch would refuse the whole document. Of more values of a
    timing than the format takes the greatest stay, since it is the slow ones that are looked for.

    Raises:
        ValueError: more metrics than a document may have; that is a mistake in the code.
    """
    values = {metric: kept for metric, value in reading.values.items() if (kept := _kept(value))}
    if not values:
        return None
    if len(values) > MAX_METRICS:
        raise ValueError(f"{len(values)} metrics in one document, and {MAX_METRICS} is the most")
    document = {
        "_aws": {
            "Timestamp": reading.time_ms,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(names) for names in reading.sets or [tuple(reading.dimensions)]],
                    "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in values],
                }
            ],
        },
        **{name: _dimension(value) for name, value in reading.dimensions.items()},
        **{metric.name: _written(metric, kept) for metric, kept in values.items()},
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def emf_lines(readings: Iterable[Reading]) -> list[tuple[int, str]]:
    """Write readings, each with its time (epoch ms); those that say nothing are left out."""
    return [(reading.time_ms, line) for reading in readings if (line := emf_line(reading)) is not None]


def _dimension(value: str) -> str:
    # CloudWatch takes ASCII alone.
    return value[:MAX_DIMENSION].encode("ascii", "replace").decode()


def _kept(value: Value) -> list[float]:
    values = list(value) if isinstance(value, Sequence) else [value]
    return sorted((each for each in values if math.isfinite(each)), reverse=True)[:MAX_VALUES]


def _written(metric: Metric, values: list[float]) -> float | list[float]:
    return values if metric.kind == "timing" else values[0]
