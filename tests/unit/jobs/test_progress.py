"""Reports of micro-batches, as Spark gives them."""

from typing import Any

import pytest

from jobs.progress import last_executed, next_version, observed, rows_dropped, was_executed, watermark_ms


def test_the_watermark_of_a_micro_batch() -> None:
    assert watermark_ms({"eventTime": {"watermark": "2026-01-05T09:00:00.123Z"}}) == 1_767_603_600_123
    # Before there is one, Spark says 1970.
    assert watermark_ms({"eventTime": {"watermark": "1970-01-01T00:00:00.000Z"}}) is None
    assert watermark_ms({"eventTime": {}}) is None
    assert watermark_ms({}) is None


def test_an_idle_report_is_no_micro_batch() -> None:
    assert was_executed({"durationMs": {"addBatch": 10, "triggerExecution": 20}})
    assert not was_executed({"durationMs": {"latestOffset": 1, "triggerExecution": 1}})


def test_what_was_observed_and_nothing_where_a_query_was_idle() -> None:
    assert observed({"observedMetrics": {"ticks": {"rows": 3, "newest_event_ms": None}}}, "ticks") == {
        "rows": 3,
        "newest_event_ms": None,
    }
    # Spark leaves out what is empty.
    assert observed({"batchId": 4, "durationMs": {"triggerExecution": 1}}, "ticks") == {}
    assert observed({"observedMetrics": {}}, "ticks") == {}
    assert observed(None, "ticks") == {}


def test_the_newest_batch_that_has_run() -> None:
    assert last_executed({"batchId": 4, "durationMs": {"addBatch": 10}}) == 4
    # The report of an idle query has the number of the batch to come.
    assert last_executed({"batchId": 4, "durationMs": {"triggerExecution": 1}}) == 3
    assert last_executed(None) == -1


def test_dropped_rows_are_summed_over_the_operators() -> None:
    assert rows_dropped({"stateOperators": [{"numRowsDroppedByWatermark": 2}, {"numRowsDroppedByWatermark": 3}]}) == 5
    assert rows_dropped({"stateOperators": []}) == 0


@pytest.mark.parametrize(
    ("offset", "version"),
    [
        ({"reservoirVersion": 2, "index": -1}, 2),
        # In the middle of a version: the rest of it is still to come.
        ({"reservoirVersion": 1, "index": 3}, None),
        (None, None),
    ],
)
def test_the_version_that_is_wanted_next(offset: dict[str, Any] | None, version: int | None) -> None:
    assert next_version({"sources": [{"endOffset": offset}]}) == version


def test_before_the_first_report_no_version_is_wanted() -> None:
    assert next_version(None) is None
    assert next_version({"sources": []}) is None
