"""Metric: what the job and the producer say of themselves, by name, unit and dimensions.

This is the contract between what is measured (``jobs/metrics*.py``, ``producer/metrics.py``), how it is written
(:mod:`pricestream.emf`, :mod:`pricestream.prometheus`) and what looks at it: the dashboard and the alarms of
``infra/watch.yaml``, and ``scripts/status``. A name that is changed here is changed there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

#: Where CloudWatch has them.
NAMESPACE: Final = "Pricestream"

#: The dimension that every metric has: the name of the Kinesis stream.
PIPELINE: Final = "Pipeline"
#: The second dimension of :data:`CONSUMER_LAG` where it is one shard's.
SHARD: Final = "Shard"
#: The second dimension of what a producer says; each of its metrics is there without it, too.
PRODUCER_ID: Final = "ProducerId"

#: Units, as CloudWatch spells them.
Unit = Literal["Seconds", "Milliseconds", "Count", "Bytes"]

#: How values of one metric go together. A ``gauge`` is the state at a moment: look at its Maximum. A ``counter`` is
#: what has come since the last reading: look at its Sum. A ``timing`` has a value for each thing that was timed since
#: then, and none where there was no such thing.
Kind = Literal["gauge", "counter", "timing"]


@dataclass(frozen=True)
class Metric:
    """One metric."""

    name: str
    unit: Unit
    kind: Kind
    #: One line; Prometheus shows it.
    meaning: str


CONSUMER_LAG: Final = Metric(
    "ConsumerLag",
    "Seconds",
    "gauge",
    "Time since the newest record that was read came to the stream; by shard, how long its oldest unread one waits.",
)
WATERMARK_LAG: Final = Metric(
    "WatermarkLag",
    "Seconds",
    "gauge",
    "Time since the watermark, which moves in steps: windows that end before it are closed.",
)
CSV_AGE: Final = Metric(
    "CsvAge", "Seconds", "gauge", "Time since a CSV file was last replaced; before the first one, since the start."
)
INGEST_BATCH_TIME: Final = Metric(
    "IngestBatchTime", "Milliseconds", "timing", "How long a micro-batch took that landed records in ticks."
)
BARS_BATCH_TIME: Final = Metric(
    "BarsBatchTime", "Milliseconds", "timing", "How long a micro-batch took that made bars and published them."
)
ROWS_READ: Final = Metric("RowsRead", "Count", "counter", "Records read from the stream, heartbeats included.")
TICKS_ACCEPTED: Final = Metric("TicksAccepted", "Count", "counter", "Prices that go into bars.")
TICKS_LATE: Final = Metric("TicksLate", "Count", "counter", "Prices that were too old when they were polled.")
TICKS_REJECTED: Final = Metric("TicksRejected", "Count", "counter", "Records that are no valid price.")
STATE_ROWS: Final = Metric("StateRows", "Count", "gauge", "Windows, one for each coin, that are still open.")
STATE_MEMORY: Final = Metric("StateMemory", "Bytes", "gauge", "Memory that the state of the open windows takes.")
PUBLISHED_FILES: Final = Metric("PublishedFiles", "Count", "counter", "CSV files that were replaced.")
STALE_COINS: Final = Metric("StaleCoins", "Count", "gauge", "Coins without a fresh price for longer than is usual.")

POLLS: Final = Metric("Polls", "Count", "counter", "Readings of the price source.")
API_CALLS: Final = Metric("ApiCalls", "Count", "counter", "Calls made to the price API, failed ones included.")
API_REFUSALS: Final = Metric("ApiRefusals", "Count", "counter", "Calls that the price API answered with 429.")
RECORDS_SENT: Final = Metric("RecordsSent", "Count", "counter", "Records put on the stream, heartbeats included.")
RECORDS_REFUSED: Final = Metric(
    "RecordsRefused", "Count", "counter", "Entries that Kinesis refused; they are sent again."
)
RECORDS_SPOOLED: Final = Metric("RecordsSpooled", "Count", "gauge", "Records on disk that are not on the stream yet.")
BUDGET_LEFT: Final = Metric(
    "BudgetLeft", "Count", "gauge", "Calls that the price API still allows this month; absent without a limit."
)

#: What the streaming job says, with the dimension :data:`PIPELINE`.
JOB_METRICS: Final = (
    CONSUMER_LAG,
    WATERMARK_LAG,
    CSV_AGE,
    INGEST_BATCH_TIME,
    BARS_BATCH_TIME,
    ROWS_READ,
    TICKS_ACCEPTED,
    TICKS_LATE,
    TICKS_REJECTED,
    STATE_ROWS,
    STATE_MEMORY,
    PUBLISHED_FILES,
    STALE_COINS,
)

#: What it says of each shard, with the dimensions :data:`PIPELINE` and :data:`SHARD`.
SHARD_METRICS: Final = (CONSUMER_LAG,)

#: What a producer says, with :data:`PIPELINE` alone and with :data:`PIPELINE` and :data:`PRODUCER_ID`.
PRODUCER_METRICS: Final = (
    POLLS,
    API_CALLS,
    API_REFUSALS,
    RECORDS_SENT,
    RECORDS_REFUSED,
    RECORDS_SPOOLED,
    BUDGET_LEFT,
)

Value = float | Sequence[float]


@dataclass(frozen=True)
class Reading:
    """What was measured at one moment."""

    #: Epoch ms.
    time_ms: int
    #: Every dimension and its value; :data:`PIPELINE` is one of them.
    dimensions: Mapping[str, str]
    #: In each metric's unit; a sequence for a timing. What is not known is left out.
    values: Mapping[Metric, Value]
    #: The sets of dimensions by which CloudWatch tells them apart; empty is one set of all.
    sets: Sequence[Sequence[str]] = field(default=())
