"""Ticks at a steady pace, against a client that keeps what it is given."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from benchmarks.errors import BenchmarkError
from benchmarks.live_feed import Bar, LiveFeed
from faults.kinesis_stream import Stream

#: A whole minute.
BEGAN_MS = 1_767_571_200_000


class Client:
    """Keeps the records of each call."""

    def __init__(self, failed: int = 0) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._failed = failed

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, int]:  # noqa: N803
        assert StreamName == "prices"
        self.calls.append([json.loads(each["Data"]) | {"key": each["PartitionKey"]} for each in Records])
        return {"FailedRecordCount": self._failed}


def feed_of(client: Any, ticks_a_second: int) -> LiveFeed:
    return LiveFeed(Stream(client, "http://127.0.0.1:1", "prices"), ticks_a_second, BEGAN_MS)


def test_each_tick_comes_once_it_is_due_and_a_heartbeat_behind_each_poll() -> None:
    client = Client()
    feed = feed_of(client, 4)
    feed.poll(BEGAN_MS + 300)
    feed.poll(BEGAN_MS + 1_000)
    got = [[(each["coin_id"], each["event_time"] - BEGAN_MS) for each in call] for call in client.calls]
    assert got == [
        [("coin-00000", 0), ("coin-00001", 250), ("_heartbeat", 300)],
        [("coin-00002", 500), ("coin-00003", 750), ("coin-00000", 1_000), ("_heartbeat", 1_000)],
    ]
    assert [each["seq"] for call in client.calls for each in call] == [1, 2, 3, 4, 5, 6, 7]
    assert {each["polled_at"] - BEGAN_MS for each in client.calls[1]} == {1_000}
    assert all(each["key"] == each["coin_id"] for call in client.calls for each in call)
    assert [each.clock_ms - BEGAN_MS for each in feed.calls] == [300, 1_000]


def test_no_call_has_more_records_than_kinesis_takes() -> None:
    client = Client()
    feed_of(client, 1_000).poll(BEGAN_MS + 999)
    assert [len(call) for call in client.calls] == [500, 500, 1]


def test_its_bars_are_those_of_the_ticks_that_were_put() -> None:
    feed = feed_of(Client(), 2)
    feed.poll(BEGAN_MS + 11_000)
    # Seconds 0 to 9, then 10 and 11; the second coin's tick of second 11 is due half a second later.
    assert feed.bars(10) == {
        ("coin-00000", BEGAN_MS): Bar(100.0, 100.09, 10),
        ("coin-00001", BEGAN_MS): Bar(101.0, 101.09, 10),
        ("coin-00000", BEGAN_MS + 10_000): Bar(100.1, 100.11, 2),
        ("coin-00001", BEGAN_MS + 10_000): Bar(101.1, 101.1, 1),
    }


def test_what_is_refused_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="stream prices has refused records"):
        feed_of(Client(failed=1), 2).poll(BEGAN_MS)


def test_a_stream_out_of_reach_is_an_error() -> None:
    class Gone:
        def put_records(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    with pytest.raises(BenchmarkError, match="stream prices: "):
        feed_of(Gone(), 2).poll(BEGAN_MS)
