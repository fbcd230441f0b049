"""What the job says of itself, by reports as Spark gives them."""

import copy
import logging
import math
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from py4j.protocol import Py4JNetworkError

from jobs.listener import ProgressListener, listening
from jobs.metrics import JobMeter
from jobs.shard_lag import kinesis_batch
from pricestream.metric import Reading

#: A report of ingest as PySpark 3.5 gives it with the connector of Maven Central, shortened.
INGEST: dict[str, Any] = {
    "id": "e7a7",
    "name": "ingest",
    "timestamp": "2026-01-05T09:00:00.000Z",
    "batchId": 3,
    "durationMs": {"addBatch": 350, "triggerExecution": 412},
    "stateOperators": [],
    "sources": [
        {
            "description": "KinesisSource[prices]",
            "endOffset": {
                "metadata": {"streamName": "prices", "batchId": "7"},
                "shardId-000000000000": {"iteratorType": "AFTER_SEQUENCE_NUMBER", "iteratorPosition": "5620"},
            },
            "numInputRows": 10,
        }
    ],
    "observedMetrics": {
        "ticks": {
            "rows": 10,
            "ok": 6,
            "late": 1,
            "rejected": 2,
            "heartbeat": 1,
            "newest_arrival_ms": 1_767_603_590_000,
        }
    },
}

BARS: dict[str, Any] = {
    "id": "b0b0",
    "name": "bars",
    "timestamp": "2026-01-05T09:00:01.000Z",
    "batchId": 2,
    "durationMs": {"addBatch": 900, "triggerExecution": 1000},
    "eventTime": {"watermark": "2026-01-05T08:53:00.000Z"},
    "stateOperators": [{"numRowsTotal": 160, "memoryUsedBytes": 1_000_000}],
    "sources": [{"endOffset": {"reservoirVersion": 2, "index": -1}}],
    "observedMetrics": {},
}

NOW_MS = 1_767_603_600_000


def idle(report: dict[str, Any]) -> dict[str, Any]:
    """Spark's report of a trigger that found nothing to do."""
    return {**report, "durationMs": {"latestOffset": 1, "triggerExecution": 1}, "observedMetrics": {}}


class Rig:
    """A meter, and what it looks at."""

    def __init__(self) -> None:
        self.sink = SimpleNamespace(files_replaced=0, published_ms=None, stale=frozenset[str]())
        self.asked: list[Any] = []
        self.lags: dict[str, float] = {}
        self.meter = JobMeter("prices", self.sink, self.look, started_ms=NOW_MS - 60_000)  # type: ignore[arg-type]

    def look(self, positions: Any) -> dict[str, float]:
        self.asked.append(positions)
        return self.lags

    def read(self, now_ms: int = NOW_MS) -> dict[str, Any]:
        return said(self.meter.read(now_ms)[0])


def said(reading: Reading) -> dict[str, Any]:
    return {metric.name: value for metric, value in reading.values.items()}


def test_before_any_report_only_what_is_known_is_said() -> None:
    assert Rig().read() == {
        # Since the start.
        "CsvAge": 60.0,
        "StaleCoins": 0,
        "RowsRead": 0,
        "TicksAccepted": 0,
        "TicksLate": 0,
        "TicksRejected": 0,
        "PublishedFiles": 0,
    }


def test_a_batch_of_each_query() -> None:
    rig = Rig()
    rig.meter.take(INGEST)
    rig.meter.take(BARS)
    rig.sink.files_replaced, rig.sink.published_ms = 3, NOW_MS - 4_000
    rig.sink.stale = frozenset({"bitcoin/usd", "aave/usd"})
    assert rig.read() == {
        "ConsumerLag": 10.0,
        "WatermarkLag": 420.0,
        "CsvAge": 4.0,
        "IngestBatchTime": [412.0],
        "BarsBatchTime": [1000.0],
        "RowsRead": 10,
        "TicksAccepted": 6,
        "TicksLate": 1,
        "TicksRejected": 2,
        "StateRows": 160,
        "StateMemory": 1_000_000,
        "PublishedFiles": 3,
        "StaleCoins": 2,
    }


def test_counts_and_times_are_since_the_last_reading_and_ages_grow() -> None:
    rig = Rig()
    rig.meter.take(INGEST)
    rig.meter.take(INGEST)
    rig.sink.files_replaced, rig.sink.published_ms = 3, NOW_MS
    first, second = rig.read(), rig.read(NOW_MS + 30_000)
    assert (first["RowsRead"], first["PublishedFiles"], first["IngestBatchTime"]) == (20, 3, [412.0, 412.0])
    assert (second["RowsRead"], second["PublishedFiles"]) == (0, 0)
    assert "IngestBatchTime" not in second
    assert (first["ConsumerLag"], second["ConsumerLag"]) == (10.0, 40.0)
    assert (first["CsvAge"], second["CsvAge"]) == (0.0, 30.0)


def test_after_a_start_the_newest_record_is_that_of_the_last_run_until_there_is_a_newer_one() -> None:
    rig = Rig()
    rig.meter.newest_arrival_ms = NOW_MS - 7_200_000
    assert rig.read()["ConsumerLag"] == 7_200.0
    rig.meter.take(INGEST)
    assert rig.read()["ConsumerLag"] == 10.0


def test_an_idle_trigger_counts_nothing_and_takes_nothing_back() -> None:
    rig = Rig()
    rig.meter.take(BARS)
    rig.meter.take(idle(BARS))
    rig.meter.take(idle(INGEST))
    found = rig.read()
    assert found["BarsBatchTime"] == [1000.0]
    assert "IngestBatchTime" not in found
    assert (found["RowsRead"], found["WatermarkLag"], found["StateRows"]) == (0, 420.0, 160)


def test_an_older_record_in_a_later_batch_is_not_the_newest() -> None:
    rig = Rig()
    rig.meter.take(INGEST)
    older = copy.deepcopy(INGEST)
    older["observedMetrics"]["ticks"]["newest_arrival_ms"] -= 5_000
    rig.meter.take(older)
    empty = copy.deepcopy(INGEST)
    empty["observedMetrics"] = {"ticks": {"rows": 0, "ok": 0, "newest_arrival_ms": None}}
    rig.meter.take(empty)
    assert rig.read()["ConsumerLag"] == 10.0


def test_a_clock_that_is_behind_the_streams_makes_no_negative_age() -> None:
    rig = Rig()
    rig.meter.take(INGEST)
    assert rig.read(1_767_603_580_000)["ConsumerLag"] == 0.0


def test_queries_of_others_are_none_of_it() -> None:
    rig = Rig()
    rig.meter.take({**INGEST, "name": "another"})
    rig.meter.take({**INGEST, "name": None})
    assert rig.read()["RowsRead"] == 0


def test_each_shard_is_asked_from_where_the_job_is() -> None:
    rig = Rig()
    rig.meter.take(INGEST)
    rig.lags = {"shardId-000000000000": 1.5, "shardId-000000000001": math.pi}
    readings = rig.meter.read(NOW_MS)
    assert rig.asked == [7]
    assert [(dict(each.dimensions), said(each)) for each in readings[1:]] == [
        ({"Pipeline": "prices", "Shard": shard}, {"ConsumerLag": seconds}) for shard, seconds in rig.lags.items()
    ]
    assert dict(readings[0].dimensions) == {"Pipeline": "prices"}


@pytest.mark.parametrize(
    "offset", [None, "7", {"reservoirVersion": 2, "index": -1}, {"metadata": None}, {"metadata": {"batchId": "x"}}]
)
def test_an_offset_of_another_kind_has_no_number(offset: Any) -> None:
    assert kinesis_batch({"sources": [{"endOffset": offset}]}) is None
    assert kinesis_batch({"sources": []}) is None


def test_reports_may_come_while_it_is_read() -> None:
    rig = Rig()
    total = 0

    def report() -> None:
        for _ in range(500):
            rig.meter.take(INGEST)

    threads = [threading.Thread(target=report) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        total += rig.read()["RowsRead"]
    assert total + rig.read()["RowsRead"] == 15_000


def event(text: str) -> Any:
    return SimpleNamespace(progress=SimpleNamespace(json=text))


def test_the_listener_hands_reports_on_and_knows_the_end() -> None:
    found: list[Any] = []
    listener = ProgressListener(found.append, queries=2)
    listener.onQueryStarted(event(""))
    listener.onQueryProgress(event('{"name": "ingest"}'))
    listener.onQueryIdle(event(""))
    listener.onQueryTerminated(event(""))
    assert not listener.ended.is_set()
    listener.onQueryTerminated(event(""))
    assert listener.ended.is_set()
    assert found == [{"name": "ingest"}]


def test_a_report_that_cannot_be_read_is_said_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    listener = ProgressListener(rig.meter.take, queries=2)
    caplog.set_level(logging.WARNING)
    listener.onQueryProgress(event("{"))
    listener.onQueryProgress(event("{}"))
    assert len(caplog.records) == 1
    assert caplog.records[0].message.startswith("metrics: a report cannot be read: JSONDecodeError")


class Streams:
    """The session's queries, of a JVM that may be gone."""

    def __init__(self, *, is_gone: bool = False) -> None:
        self.listeners: list[Any] = []
        self._is_gone = is_gone

    def addListener(self, listener: Any) -> None:  # noqa: N802
        self.listeners.append(listener)

    def removeListener(self, listener: Any) -> None:  # noqa: N802
        if self._is_gone:
            raise Py4JNetworkError("no answer from the Java side")
        self.listeners.remove(listener)


def test_the_last_reports_are_waited_for_and_the_listener_goes() -> None:
    streams = Streams()
    with listening(SimpleNamespace(streams=streams), lambda _: None, queries=1):  # type: ignore[arg-type]
        [listener] = streams.listeners
        threading.Timer(0.05, listener.onQueryTerminated, [event("")]).start()
    assert listener.ended.is_set()
    assert streams.listeners == []


def test_a_jvm_that_is_gone_hides_no_error() -> None:
    spark: Any = SimpleNamespace(streams=Streams(is_gone=True))
    with pytest.raises(RuntimeError, match="the reason"), listening(spark, lambda _: None, queries=1):
        raise RuntimeError("the reason")
