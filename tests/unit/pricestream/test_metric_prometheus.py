"""What Prometheus is given, against its exposition format, and over HTTP."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from pricestream.metric import (
    CONSUMER_LAG,
    INGEST_BATCH_TIME,
    JOB_METRICS,
    PRODUCER_METRICS,
    ROWS_READ,
    STATE_MEMORY,
    WATERMARK_LAG,
    Reading,
)
from pricestream.prometheus import Exposition, PrometheusServer, prometheus_name

PIPELINE = {"Pipeline": "prices"}


def samples(text: str) -> dict[str, float]:
    """Read the lines of samples, as the format has them: ``name{labels} value``."""
    assert text.endswith("\n")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_the_text_is_that_of_the_format() -> None:
    exposition = Exposition()
    exposition.take([Reading(1, PIPELINE, {CONSUMER_LAG: 1.5, ROWS_READ: 42, INGEST_BATCH_TIME: [300.0, 500.0]})])
    assert exposition.text() == (
        f"# HELP pricestream_consumer_lag_seconds {CONSUMER_LAG.meaning}\n"
        "# TYPE pricestream_consumer_lag_seconds gauge\n"
        'pricestream_consumer_lag_seconds{pipeline="prices"} 1.5\n'
        f"# HELP pricestream_rows_read_total {ROWS_READ.meaning}\n"
        "# TYPE pricestream_rows_read_total counter\n"
        'pricestream_rows_read_total{pipeline="prices"} 42\n'
        f"# HELP pricestream_ingest_batch_time_seconds {INGEST_BATCH_TIME.meaning}\n"
        "# TYPE pricestream_ingest_batch_time_seconds summary\n"
        'pricestream_ingest_batch_time_seconds_sum{pipeline="prices"} 0.8\n'
        'pricestream_ingest_batch_time_seconds_count{pipeline="prices"} 2\n'
    )


def test_counters_only_grow_and_gauges_are_the_newest() -> None:
    exposition = Exposition()
    exposition.take([Reading(1, PIPELINE, {ROWS_READ: 42, CONSUMER_LAG: 9.0, INGEST_BATCH_TIME: [1000.0]})])
    exposition.take([Reading(2, PIPELINE, {ROWS_READ: 8, CONSUMER_LAG: 2.0, INGEST_BATCH_TIME: []})])
    assert samples(exposition.text()) == {
        'pricestream_rows_read_total{pipeline="prices"}': 50,
        'pricestream_consumer_lag_seconds{pipeline="prices"}': 2,
        'pricestream_ingest_batch_time_seconds_sum{pipeline="prices"}': 1,
        'pricestream_ingest_batch_time_seconds_count{pipeline="prices"}': 1,
    }


def test_a_gauge_of_which_nothing_is_said_any_more_goes() -> None:
    exposition = Exposition()
    shards = [Reading(1, {**PIPELINE, "Shard": name}, {CONSUMER_LAG: 1.0}) for name in ("a", "b")]
    exposition.take([Reading(1, PIPELINE, {CONSUMER_LAG: 3.0, WATERMARK_LAG: 5.0}), *shards])
    exposition.take([Reading(2, PIPELINE, {CONSUMER_LAG: 4.0}), shards[1]])
    assert samples(exposition.text()) == {
        'pricestream_consumer_lag_seconds{pipeline="prices"}': 4,
        'pricestream_consumer_lag_seconds{pipeline="prices",shard="b"}': 1,
    }


def test_a_label_is_escaped() -> None:
    exposition = Exposition()
    exposition.take([Reading(1, {"Pipeline": 'a"b\\c\nd'}, {STATE_MEMORY: 1})])
    assert 'pricestream_state_memory_bytes{pipeline="a\\"b\\\\c\\nd"} 1' in exposition.text().splitlines()


def test_no_two_metrics_have_the_same_name() -> None:
    names = [prometheus_name(each) for each in (*JOB_METRICS, *PRODUCER_METRICS)]
    assert len(set(names)) == len(names)
    assert {"pricestream_csv_age_seconds", "pricestream_budget_left", "pricestream_api_calls_total"} <= set(names)


@pytest.fixture
def exposition() -> Exposition:
    made = Exposition()
    made.take([Reading(1, PIPELINE, {ROWS_READ: 7})])
    return made


@pytest.fixture
def server(exposition: Exposition) -> Iterator[PrometheusServer]:
    made = PrometheusServer(exposition, 0)
    yield made
    made.close()


def test_it_is_served_on_loopback(server: PrometheusServer, exposition: Exposition) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(server.url, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert answer.read().decode() == exposition.text()


def test_there_is_nothing_else(server: PrometheusServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(server.url.replace("/metrics", "/"), timeout=5)


def test_a_client_that_says_nothing_holds_up_no_other(server: PrometheusServer) -> None:
    port = int(server.url.rsplit(":", 1)[1].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port)), urllib.request.urlopen(server.url, timeout=5) as answer:
        assert answer.status == 200
