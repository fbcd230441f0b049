"""EMF documents, held against the rules of the specification's JSON schema, written down here by hand."""

import json
import math
from typing import Any

import pytest

from pricestream.emf import emf_line, emf_lines
from pricestream.metric import (
    BUDGET_LEFT,
    CONSUMER_LAG,
    INGEST_BATCH_TIME,
    JOB_METRICS,
    POLLS,
    PRODUCER_METRICS,
    ROWS_READ,
    Metric,
    Reading,
)

#: Of the CloudWatch API's StandardUnit.
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Bytes", "Count", "Percent", "None"}


def check_schema(document: Any) -> None:
    """The rules of the specification: required members and no others, their types and sizes, and that targets exist."""
    assert isinstance(document, dict)
    metadata = document["_aws"]
    assert set(metadata) == {"Timestamp", "CloudWatchMetrics"}
    assert type(metadata["Timestamp"]) is int
    assert metadata["Timestamp"] > 1_000_000_000_000, "milliseconds"
    for directive in metadata["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert len(directive["Dimensions"]) >= 1
        for names in directive["Dimensions"]:
            assert 1 <= len(names) <= 30
            for name in names:
                assert 1 <= len(name) <= 250
                assert isinstance(document[name], str)
                assert 1 <= len(document[name]) <= 1024
        assert len(directive["Metrics"]) <= 100
        for definition in directive["Metrics"]:
            assert set(definition) <= {"Name", "Unit", "StorageResolution"}
            assert 1 <= len(definition["Name"]) <= 1024
            assert definition["Unit"] in UNITS
            target = document[definition["Name"]]
            values = target if isinstance(target, list) else [target]
            assert 1 <= len(values) <= 100
            for value in values:
                assert type(value) in (int, float)
                assert math.isfinite(value)


def parsed(reading: Reading) -> Any:
    line = emf_line(reading)
    assert line is not None
    assert "\n" not in line
    assert len(line.encode()) < 256 * 1024
    document = json.loads(line)
    check_schema(document)
    return document


def test_a_document_is_what_the_specification_shows() -> None:
    reading = Reading(
        1_764_000_000_123,
        {"Pipeline": "prices"},
        {CONSUMER_LAG: 1.5, ROWS_READ: 42, INGEST_BATCH_TIME: [300.0, 500.0]},
    )
    assert parsed(reading) == {
        "_aws": {
            "Timestamp": 1_764_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Pricestream",
                    "Dimensions": [["Pipeline"]],
                    "Metrics": [
                        {"Name": "ConsumerLag", "Unit": "Seconds"},
                        {"Name": "RowsRead", "Unit": "Count"},
                        {"Name": "IngestBatchTime", "Unit": "Milliseconds"},
                    ],
                }
            ],
        },
        "Pipeline": "prices",
        "ConsumerLag": 1.5,
        "RowsRead": 42,
        "IngestBatchTime": [500.0, 300.0],
    }


def test_a_shard_is_told_apart_by_both_dimensions() -> None:
    document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p", "Shard": "shardId-000000000001"}, {CONSUMER_LAG: 0}))
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Pipeline", "Shard"]]
    assert document["ConsumerLag"] == 0


def test_a_producer_is_there_alone_and_among_others() -> None:
    sets = [["Pipeline"], ["Pipeline", "ProducerId"]]
    document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p", "ProducerId": "a"}, {POLLS: 1}, sets))
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == sets


def test_every_metric_at_once_keeps_to_the_rules() -> None:
    for metrics in (JOB_METRICS, PRODUCER_METRICS):
        values = {each: [1.0] * 1000 if each.kind == "timing" else 1 for each in metrics}
        document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p" * 128}, values))
        assert {each.name for each in metrics} <= set(document)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_left_out_and_the_rest_stays(bad: float) -> None:
    document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p"}, {CONSUMER_LAG: bad, ROWS_READ: 1}))
    assert "ConsumerLag" not in document
    assert document["RowsRead"] == 1
    assert emf_line(Reading(1_764_000_000_000, {"Pipeline": "p"}, {CONSUMER_LAG: bad})) is None


def test_nothing_to_say_is_no_line() -> None:
    empty = Reading(1, {"Pipeline": "p"}, {INGEST_BATCH_TIME: []})
    full = Reading(1_764_000_000_000, {"Pipeline": "p"}, {BUDGET_LEFT: 0})
    assert emf_line(empty) is None
    assert [time for time, _ in emf_lines([empty, full])] == [1_764_000_000_000]


def test_of_too_many_times_the_longest_are_kept() -> None:
    times = [float(each) for each in range(250)]
    document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p"}, {INGEST_BATCH_TIME: times}))
    assert document["IngestBatchTime"] == [float(each) for each in range(249, 149, -1)]


def test_a_dimension_is_no_longer_than_the_format_takes() -> None:
    document = parsed(Reading(1_764_000_000_000, {"Pipeline": "p" * 2000}, {ROWS_READ: 1}))
    assert document["Pipeline"] == "p" * 1024


def test_a_dimension_is_ascii() -> None:
    assert parsed(Reading(1_764_000_000_000, {"Pipeline": "p", "ProducerId": "h\u00e4user"}, {POLLS: 1}))[
        "ProducerId"
    ] == ("h?user")


def test_too_many_metrics_are_a_mistake() -> None:
    many = {Metric(f"M{number}", "Count", "counter", "One."): 1.0 for number in range(101)}
    with pytest.raises(ValueError, match="101 metrics"):
        emf_line(Reading(1_764_000_000_000, {"Pipeline": "p"}, many))
