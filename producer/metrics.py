"""Metrics of the producer: what it has done, and what waits."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import boto3

from pricestream import metric
from pricestream.log_events import stream_name
from pricestream.metric import Metric, Reading, Value
from pricestream.reporter import reporting
from pricestream.settings import Settings
from producer.summary import Summary


class Waiting(Protocol):
    """The spool, as far as it is looked at."""

    @property
    def pending(self) -> int:
        """How many records wait."""


class Refusing(Protocol):
    """The sink, as far as it is looked at."""

    refused: int


class ProducerMeter:
    """Reads the counts that the loop and the sink keep, from another thread, and says what has come since."""

    def __init__(self, pipeline: str, summary: Summary, spool: Waiting, sink: Refusing) -> None:
        """Read these; what they count until now is the first reading's."""
        self._pipeline = pipeline
        self._summary = summary
        self._spool = spool
        self._sink = sink
        self._before: dict[Metric, int] = {}

    def read(self, now_ms: int) -> Sequence[Reading]:
        """See :class:`pricestream.reporter.Meter`."""
        summary = self._summary
        counts = {
            metric.POLLS: summary.polls,
            metric.API_CALLS: summary.api_calls,
            metric.API_REFUSALS: summary.api_refusals,
            metric.RECORDS_SENT: summary.sent,
            metric.RECORDS_REFUSED: self._sink.refused,
        }
        values: dict[Metric, Value] = {each: count - self._before.get(each, 0) for each, count in counts.items()}
        self._before = counts
        values[metric.RECORDS_SPOOLED] = self._spool.pending
        if summary.calls_left is not None:
            values[metric.BUDGET_LEFT] = summary.calls_left
        dimensions = {metric.PIPELINE: self._pipeline, metric.PRODUCER_ID: summary.producer_id}
        return [Reading(now_ms, dimensions, values, sets=([metric.PIPELINE], [metric.PIPELINE, metric.PRODUCER_ID]))]


@contextmanager
def producer_metrics(settings: Settings, summary: Summary, spool: Waiting, sink: Refusing) -> Iterator[None]:
    """Report how the producer is meanwhile, if the settings want it."""
    with reporting(
        settings.metrics,
        ProducerMeter(settings.stream.name, summary, spool, sink),
        logs_client=lambda: boto3.client("logs", region_name=settings.stream.region),
        log_stream=stream_name(f"producer/{settings.producer.id}", time.time_ns() // 1_000_000),
        is_producer=True,
    ):
        yield
