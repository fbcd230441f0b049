"""What the producer says of itself: by its parts, and by the process as a whole."""

import json
import random
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
import yaml
from botocore.config import Config
from botocore.stub import Stubber
from typer.testing import CliRunner

from coingecko.budget import CallBudget
from coingecko.clock import VirtualClock
from coingecko.http import ApiClient
from pricestream.producer_settings import ProducerSettings
from pricestream.settings import StreamSettings
from producer.cli import app
from producer.coingecko import CoinGeckoSource
from producer.market import Market
from producer.metrics import ProducerMeter
from producer.server import Fault, MarketServer
from producer.sink import KinesisSink
from producer.spool import Record
from producer.summary import Summary

T0 = 1_700_000_040_000


def said(meter: ProducerMeter) -> dict[str, Any]:
    [reading] = meter.read(1)
    assert dict(reading.dimensions) == {"Pipeline": "prices", "ProducerId": "p"}
    assert [list(names) for names in reading.sets] == [["Pipeline"], ["Pipeline", "ProducerId"]]
    return {metric.name: value for metric, value in reading.values.items()}


def test_counts_are_since_the_last_reading_and_the_rest_is_as_it_is() -> None:
    summary = Summary("p", "coingecko", first_seq=1, seq=0)
    spool, sink = SimpleNamespace(pending=4), SimpleNamespace(refused=1)
    meter = ProducerMeter("prices", summary, spool, sink)
    summary.polls, summary.api_calls, summary.api_refusals, summary.sent, summary.calls_left = 2, 3, 1, 40, 9_000
    expected = {"Polls": 2, "ApiCalls": 3, "ApiRefusals": 1, "RecordsSent": 40, "RecordsRefused": 1}
    assert said(meter) == {**expected, "RecordsSpooled": 4, "BudgetLeft": 9_000}
    summary.polls, spool.pending, summary.calls_left = 3, 0, None
    nothing = dict.fromkeys(expected, 0)
    # Without a limit there is no budget.
    assert said(meter) == {**nothing, "Polls": 1, "RecordsSpooled": 0}


def test_an_answer_of_429_is_a_refusal() -> None:
    clock = VirtualClock(T0)
    budget = CallBudget(None, per_minute=None, per_month=10_000)
    settings = ProducerSettings.model_validate({"coins": ["bitcoin"]})
    with MarketServer(Market(7, T0, 60), clock) as server, requests.Session() as session:
        session.trust_env = False
        client = ApiClient(session, server.url, budget, clock, random.Random(1), Event())
        source = CoinGeckoSource(client, budget, clock, settings, "coingecko")
        server.faults += [Fault(429, {"Retry-After": "1"}), Fault(503)]
        poll = source.poll()
        again = source.poll()
    assert poll is not None
    assert (poll.calls, poll.refusals) == (3, 1)
    assert again is not None
    assert (again.calls, again.refusals) == (1, 0)
    assert again.calls_left is not None
    assert again.calls_left.month == 9_996


def test_what_kinesis_refuses_is_counted_each_time() -> None:
    client = boto3.client("kinesis", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
    sink = KinesisSink(client, StreamSettings(name="prices"), VirtualClock(0), random.Random(1))
    good = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    slow = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "no"}
    with Stubber(client) as stubber:
        stubber.add_response("put_records", {"Records": [good, slow, slow], "FailedRecordCount": 2})
        # The whole call: both that are left.
        stubber.add_client_error("put_records", "ThrottlingException", http_status_code=400)
        stubber.add_response("put_records", {"Records": [good, slow], "FailedRecordCount": 1})
        stubber.add_response("put_records", {"Records": [good]})
        outcome = sink.put([Record(seq, "a", b"x") for seq in (1, 2, 3)], Event())
        stubber.assert_no_pending_responses()
    assert outcome.failed == []
    assert sink.refused == 5


def test_a_stream_out_of_reach_has_refused_nothing() -> None:
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("kinesis", region_name="us-east-1", endpoint_url="http://127.0.0.1:9", config=config)
    sink = KinesisSink(client, StreamSettings(name="prices"), VirtualClock(0), random.Random(1))
    assert sink.put([Record(1, "a", b"x")], Event()).failed
    assert sink.refused == 0


@pytest.fixture
def config(tmp_path: Path, moto_url: str, stream_name: str) -> Path:
    recording = tmp_path / "recording.csv"
    rows = [f"{T0 + 1_000 * index},{1 + index / 8},{index}" for index in range(100)]
    recording.write_text("timestamp_ms,price,trade_id\n" + "\n".join(rows) + "\n")
    producer = {
        "id": "p",
        "source": "replay",
        "poll_seconds": 10,
        "state_dir": str(tmp_path / "state"),
        "create_stream": True,
        "replay": {"path": str(recording)},
    }
    tree = {"stream": {"name": f"metrics-{stream_name}", "endpoint_url": moto_url}, "producer": producer}
    path = tmp_path / "conf.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def test_the_process_prints_lines_of_json_and_nothing_else(config: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--config", str(config), "--set", "metrics.emf=stdout"])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    summary = json.loads((tmp_path / "state" / "summary.json").read_text())
    assert lines
    assert {line["ProducerId"] for line in lines} == {"p"}
    assert sum(line["RecordsSent"] for line in lines) == summary["sent"] == summary["seq"]
    assert summary["ticks"] == 100
    assert sum(line["Polls"] for line in lines) == summary["polls"]
    assert lines[-1]["RecordsSpooled"] == 0


def test_it_puts_them_into_a_log_group(
    config: Path, tmp_path: Path, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", moto_url)
    logs: Any = boto3.client("logs", region_name="us-east-1")
    logs.create_log_group(logGroupName="/producer/metrics")
    overrides = ["--set", "metrics.emf=logs", "--set", "metrics.log_group=/producer/metrics"]
    assert CliRunner().invoke(app, ["--config", str(config), *overrides]).exit_code == 0
    [stream] = logs.describe_log_streams(logGroupName="/producer/metrics")["logStreams"]
    assert stream["logStreamName"].startswith("producer/p/")
    found = logs.get_log_events(logGroupName="/producer/metrics", logStreamName=stream["logStreamName"])["events"]
    summary = json.loads((tmp_path / "state" / "summary.json").read_text())
    assert sum(json.loads(each["message"])["RecordsSent"] for each in found) == summary["sent"]
