"""Metrics of the job: what its queries report, and how far behind it is."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
from pyspark.sql import SparkSession

from jobs.checkpoint import BARS, INGEST, Checkpoint
from jobs.listener import listening
from jobs.progress import Progress, observed, was_executed, watermark_ms
from jobs.schema import LATE, OK, REJECTED
from jobs.shard_lag import ShardLag, kinesis_batch
from jobs.sink import BarSink
from jobs.stream import COUNTS, NEWEST_ARRIVAL
from pricestream import metric
from pricestream.log_events import stream_name
from pricestream.metric import Metric, Reading, Value
from pricestream.reporter import reporting
from pricestream.settings import Settings

#: Which of the counts that ingest observes is which metric.
_COUNTERS: Final = {
    metric.ROWS_READ: "rows",
    metric.TICKS_ACCEPTED: OK,
    metric.TICKS_LATE: LATE,
    metric.TICKS_REJECTED: REJECTED,
}
_BATCH_TIMES: Final = {INGEST: metric.INGEST_BATCH_TIME, BARS: metric.BARS_BATCH_TIME}


@dataclass
class JobMeter:
    """Adds up what the two queries report, until somebody reads it."""

    pipeline: str
    #: What the bars query publishes through.
    sink: BarSink
    #: Looks up what waits in the shards behind a micro-batch: by shard, seconds.
    shard_lag: Callable[[int | None], Mapping[str, float]]
    #: Epoch ms: where no file was written yet, its age counts from here.
    started_ms: int
    #: When the newest record that an earlier run has read came to the stream, epoch ms.
    newest_arrival_ms: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _counts: Counter[Metric] = field(default_factory=Counter)
    _times: dict[Metric, list[float]] = field(default_factory=dict)
    _gauges: dict[Metric, float] = field(default_factory=dict)
    _watermark_ms: int | None = None
    _kinesis_batch: int | None = None
    _files_read: int = 0

    def take(self, progress: Progress) -> None:
        """Take in what a query reports; quick, since Spark's own thread waits for it."""
        name = progress["name"]
        with self._lock:
            if name not in _BATCH_TIMES or not was_executed(progress):
                return
            self._times.setdefault(_BATCH_TIMES[name], []).append(float(progress["durationMs"]["triggerExecution"]))
            if name == INGEST:
                self._take_counts(observed(progress, COUNTS))
                self._kinesis_batch = kinesis_batch(progress)
            else:
                self._take_state(progress)

    def _take_counts(self, counts: Mapping[str, Any]) -> None:
        for each, key in _COUNTERS.items():
            self._counts[each] += int(counts.get(key) or 0)
        newest = counts.get(NEWEST_ARRIVAL)
        if newest is not None:
            self.newest_arrival_ms = max(int(newest), self.newest_arrival_ms or 0)

    def _take_state(self, progress: Progress) -> None:
        self._watermark_ms = watermark_ms(progress) or self._watermark_ms
        operators = progress["stateOperators"]
        self._gauges[metric.STATE_ROWS] = sum(int(each["numRowsTotal"]) for each in operators)
        self._gauges[metric.STATE_MEMORY] = sum(int(each["memoryUsedBytes"]) for each in operators)

    def read(self, now_ms: int) -> Sequence[Reading]:
        """See :class:`pricestream.reporter.Meter`."""
        with self._lock:
            counts = {each: self._counts[each] for each in _COUNTERS}
            times, gauges, batch = self._times, dict(self._gauges), self._kinesis_batch
            newest, watermark = self.newest_arrival_ms, self._watermark_ms
            self._counts, self._times = Counter(), {}
        files = self.sink.files_replaced
        counts[metric.PUBLISHED_FILES], self._files_read = files - self._files_read, files
        since = {
            metric.CONSUMER_LAG: newest,
            metric.WATERMARK_LAG: watermark,
            metric.CSV_AGE: self.sink.published_ms or self.started_ms,
        }
        # Two machines' clocks, or a made-up market that runs ahead: nothing is younger than now.
        lags = {each: max(0.0, (now_ms - then) / 1000) for each, then in since.items() if then is not None}
        gauges[metric.STALE_COINS] = len(self.sink.stale)
        values: dict[Metric, Value] = {**lags, **gauges, **counts, **times}
        dimensions = {metric.PIPELINE: self.pipeline}
        return [Reading(now_ms, dimensions, values), *self._shards(now_ms, dimensions, batch)]

    def _shards(self, now_ms: int, dimensions: Mapping[str, str], batch: int | None) -> list[Reading]:
        return [
            Reading(now_ms, {**dimensions, metric.SHARD: shard}, {metric.CONSUMER_LAG: seconds})
            for shard, seconds in self.shard_lag(batch).items()
        ]


@contextmanager
def job_metrics(
    spark: SparkSession, settings: Settings, checkpoint: Checkpoint, sink: BarSink, newest_arrival_ms: int | None
) -> Iterator[None]:
    """Report how the job is while its queries run, if the settings want it.

    Args:
        spark: the session of the queries, which are started inside.
        settings: what the metrics are of, and where they go.
        checkpoint: the queries' checkpoint.
        sink: what bars are published through.
        newest_arrival_ms: when the newest record that an earlier run has read came to the stream, epoch ms.
    """
    if not settings.metrics.is_on:
        yield
        return
    now_ms = time.time_ns() // 1_000_000
    meter = JobMeter(settings.stream.name, sink, ShardLag(settings, checkpoint.store), now_ms, newest_arrival_ms)
    place = reporting(
        settings.metrics,
        meter,
        logs_client=lambda: boto3.client("logs", region_name=settings.stream.region),
        log_stream=stream_name(f"job/{settings.stream.name}", now_ms),
    )
    with place, listening(spark, meter.take, queries=len(_BATCH_TIMES)):
        yield
