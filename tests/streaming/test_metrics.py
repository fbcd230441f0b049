"""The real queries with their metrics on: what CloudWatch Logs and Prometheus are told is what was sent."""

import json
import time
import urllib.request
from collections import Counter
from typing import Any

import boto3
import pytest

from scripts.demo_app.port import free_port
from tests.conftest import MakeSettings
from tests.support.streaming import StartJob, Stream, closing, market

NINE_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
GROUP = "/pricestream/metrics"
COUNTERS = ("RowsRead", "TicksAccepted", "TicksLate", "TicksRejected", "PublishedFiles")


def samples(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def events(client: Any) -> list[dict[str, Any]]:
    [stream] = client.describe_log_streams(logGroupName=GROUP)["logStreams"]
    found = client.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
    return [json.loads(each["message"]) for each in found["events"]]


def test_what_is_told_is_what_was_sent(
    stream: Stream, make_settings: MakeSettings, start_job: StartJob, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
    logs = boto3.client("logs", region_name="us-east-1")
    logs.create_log_group(logGroupName=GROUP)
    port = free_port()
    metrics = ["emf=logs", f"log_group={GROUP}", f"prometheus_port={port}", "every_seconds=1"]
    settings = make_settings(*stream.overrides, *(f"metrics.{each}" for each in metrics))
    job = start_job(settings)

    ticks = market({"bitcoin": 60_000.0, "ethereum": 3_000.0}, start_ms=NINE_MS, minutes=3)
    stream.put_ticks(ticks)
    stream.put(b"not a tick", b"{}")
    stream.put(closing(settings, NINE_MS + 180_000))
    begun = time.time()
    status = job.settle(rows=stream.sent, watermark_ms=NINE_MS + 180_000)
    label = f'{{pipeline="{stream.name}"}}'
    rows = f"pricestream_rows_read_total{label}"
    job.wait("Prometheus", lambda: samples(port).get(rows) == stream.sent)
    seen = samples(port)
    job.stop()

    found = events(logs)
    whole = [each for each in found if "Shard" not in each]
    total = Counter({name: sum(each[name] for each in whole) for name in COUNTERS})
    assert len(ticks) == 36
    assert total["RowsRead"] == stream.sent == 39
    assert total["TicksAccepted"] == status["ticks"]["ok"] == 36
    assert total["TicksRejected"] == status["ticks"]["rejected"] == 2
    assert total["TicksLate"] == 0
    # One file, of the hour of all three minutes; each of them may have replaced it.
    assert 1 <= total["PublishedFiles"] <= 3

    last = whole[-1]
    elapsed = time.time() - begun
    assert 0 <= last["ConsumerLag"] <= elapsed + 1
    assert 0 <= last["CsvAge"] <= elapsed + 1
    # The market's own time.
    assert last["WatermarkLag"] == pytest.approx(time.time() - status["bars"]["watermark_ms"] / 1000, abs=elapsed + 5)
    assert last["StateMemory"] > 0
    # All windows have closed but that of the heartbeat which closed them.
    assert last["StateRows"] == 1
    times = [ms for each in whole for ms in each.get("IngestBatchTime", [])]
    assert times
    assert all(0 < ms < 60_000 for ms in times)
    assert any(each.get("BarsBatchTime") for each in whole)

    shards = [each for each in found if "Shard" in each]
    assert {each["Shard"] for each in shards} == {"shardId-000000000000"}
    # All is read.
    assert shards[-1]["ConsumerLag"] == 0

    assert seen[f"pricestream_ticks_accepted_total{label}"] == 36
    assert seen[f"pricestream_ticks_rejected_total{label}"] == 2
    assert seen[f"pricestream_ingest_batch_time_seconds_count{label}"] > 0
    assert f'pricestream_consumer_lag_seconds{{pipeline="{stream.name}",shard="shardId-000000000000"}}' in seen
    with pytest.raises(OSError, match="refused"):
        samples(port)
    assert status["updated_ms"] == pytest.approx(time.time() * 1000, abs=(elapsed + 30) * 1000)
    assert status["stream"]["newest_arrival_ms"] == pytest.approx(begun * 1000, abs=10_000)
