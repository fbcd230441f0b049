"""What carries readings to where they are wanted, and that it holds up and ends nothing."""

import json
import logging
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import boto3
import pytest

from pricestream.log_events import LogEvents, calls, stream_name
from pricestream.metric import ROWS_READ, Reading
from pricestream.metrics_settings import MetricsSettings
from pricestream.outlet import Event, Outlet
from pricestream.reporter import Reporter, reporting
from scripts.demo_app.port import free_port

#: boto3's client of CloudWatch Logs.
LogsClient = Any

NOW_MS = time.time_ns() // 1_000_000
_names = count(1)


def wait_for(is_so: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


class Meter:
    """Says how often it was read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, now_ms: int) -> Sequence[Reading]:
        self.reads += 1
        return [Reading(now_ms, {"Pipeline": "p"}, {ROWS_READ: self.reads})]


class Place:
    """Takes events, once it is well."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.events: list[Event] = []

    def write(self, events: Sequence[Event]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no network")
        self.events += events


def test_events_go_out_in_order() -> None:
    place = Place()
    outlet = Outlet(place.write, "somewhere")
    for number in range(100):
        outlet.offer([(number, str(number))])
    outlet.close()
    assert place.events == [(number, str(number)) for number in range(100)]
    assert outlet.dropped == 0


def test_what_fails_is_tried_again_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(failures=3)
    outlet = Outlet(place.write, "somewhere", pause_seconds=0.01)
    outlet.offer([(1, "a"), (2, "b")])
    wait_for(lambda: len(place.events) == 2)
    outlet.close()
    assert place.events == [(1, "a"), (2, "b")]
    assert [each.message for each in caplog.records] == ["metrics to somewhere are not written for now: no network"]


def test_what_lasts_is_said_again_after_ten_minutes(caplog: pytest.LogCaptureFixture) -> None:
    # A minute passes with every failure.
    clock = count(0, 60)
    place = Place(failures=25)
    outlet = Outlet(place.write, "somewhere", pause_seconds=0.001, clock=lambda: next(clock))
    outlet.offer([(1, "a")])
    wait_for(lambda: bool(place.events))
    outlet.close()
    assert len(caplog.records) == 3


def test_a_place_that_hangs_holds_up_nobody_and_the_newest_stay(caplog: pytest.LogCaptureFixture) -> None:
    going, written = threading.Event(), list[Event]()

    def hang(events: Sequence[Event]) -> None:
        going.wait(30)
        written.extend(events)

    outlet = Outlet(hang, "somewhere", max_events=10)
    outlet.offer([(0, "taken")])
    wait_for(lambda: not outlet._events)
    begun = time.monotonic()
    for number in range(1, 101):
        outlet.offer([(number, "x")])
    assert time.monotonic() - begun < 1
    assert outlet.dropped == 90
    going.set()
    outlet.close()
    assert [number for number, _ in written] == [0, *range(91, 101)]
    assert [each.message for each in caplog.records] == [
        "metrics to somewhere: more wait than are kept; the oldest are dropped",
        "metrics to somewhere: 90 events were not written",
    ]


def test_a_stop_does_not_wait_for_a_place_that_hangs() -> None:
    going = threading.Event()
    outlet = Outlet(lambda _: (going.wait(30), None)[1], "somewhere")
    outlet.offer([(1, "a")])
    begun = time.monotonic()
    outlet.close(0.1)
    assert time.monotonic() - begun < 5
    going.set()


def test_the_last_reading_is_taken_at_the_end() -> None:
    meter, told = Meter(), list[Reading]()
    reporter = Reporter(meter, [told.extend], every_seconds=60)
    reporter.close()
    assert [dict(each.values) for each in told] == [{ROWS_READ: 1}]


def test_a_meter_that_fails_is_said_once_and_read_again(caplog: pytest.LogCaptureFixture) -> None:
    meter, told = Meter(), list[Reading]()

    class Broken:
        def read(self, now_ms: int) -> Sequence[Reading]:
            if meter.reads < 3:
                meter.read(now_ms)
                raise KeyError("newest")
            return meter.read(now_ms)

    reporter = Reporter(Broken(), [told.extend], every_seconds=0.005)
    wait_for(lambda: bool(told))
    reporter.close()
    assert [each.message for each in caplog.records] == ["the metrics cannot be read for now: KeyError: 'newest'"]


def no_client() -> LogsClient:
    raise AssertionError("no client is needed")


def test_where_no_place_is_named_nothing_runs() -> None:
    meter = Meter()
    before = threading.active_count()
    with reporting(MetricsSettings(), meter, logs_client=no_client, log_stream="s"):
        assert threading.active_count() == before
    assert meter.reads == 0


def test_standard_output_has_lines_of_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(MetricsSettings(emf="stdout"), Meter(), logs_client=no_client, log_stream="s"):
        pass
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["RowsRead"] for line in lines] == [1]


@pytest.mark.parametrize("is_producer", [False, True])
def test_prometheus_finds_the_job_on_the_port_and_the_producer_on_the_next(*, is_producer: bool) -> None:
    port = free_port(2)
    meter = Meter()
    settings = MetricsSettings(prometheus_port=port, every_seconds=1)
    with reporting(settings, meter, logs_client=no_client, log_stream="s", is_producer=is_producer):
        wait_for(lambda: meter.reads > 0)
        url = f"http://127.0.0.1:{port + is_producer}/metrics"
        wait_for(lambda: b"rows_read_total" in urllib.request.urlopen(url, timeout=5).read())


def test_a_port_that_is_taken_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    meter = Meter()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = MetricsSettings(prometheus_port=port, emf="stdout")
        with reporting(settings, meter, logs_client=no_client, log_stream="s"):
            pass
    assert meter.reads == 1
    assert [each.message for each in caplog.records] == [
        f"no metrics for Prometheus: port {port} cannot be used: Address already in use"
    ]


@pytest.fixture
def logs(moto_url: str) -> LogsClient:
    return boto3.client("logs", region_name="us-east-1", endpoint_url=moto_url)


@pytest.fixture
def group(logs: LogsClient) -> str:
    name = f"/pricestream/metrics-{next(_names)}"
    logs.create_log_group(logGroupName=name)
    return name


def messages(logs: LogsClient, group: str, stream: str) -> list[str]:
    found = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    return [each["message"] for each in found["events"]]


def test_events_arrive_in_a_stream_that_is_made(logs: LogsClient, group: str) -> None:
    settings = MetricsSettings(emf="logs", log_group=group)
    with reporting(settings, Meter(), logs_client=lambda: logs, log_stream="job/p/1"):
        pass
    assert [json.loads(each)["RowsRead"] for each in messages(logs, group, "job/p/1")] == [1]


def test_a_group_that_is_missing_is_said_in_one_line(logs: LogsClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    settings = MetricsSettings(emf="logs", log_group="/no/such")
    with reporting(settings, Meter(), logs_client=lambda: logs, log_stream="s"):
        pass
    said = [each.message for each in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("metrics to log group /no/such are not written for now: ")
    assert "ResourceNotFoundException" in said[0]
    assert said[1] == "metrics to log group /no/such: 1 events were not written"


def test_a_stream_that_is_there_or_was_deleted_is_no_trouble(logs: LogsClient, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = LogEvents(lambda: logs, group, "s")
    events.write([(NOW_MS, "a")])
    events.write([(NOW_MS, "b")])
    assert messages(logs, group, "s") == ["a", "b"]
    logs.delete_log_stream(logGroupName=group, logStreamName="s")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        events.write([(NOW_MS, "c")])
    events.write([(NOW_MS, "c")])
    assert messages(logs, group, "s") == ["c"]


def test_the_name_of_a_stream_says_whose_and_when() -> None:
    name = stream_name("producer/a:b*c", 1_767_603_600_123)
    assert name == "producer/a-b-c/2026-01-05T09-00-00-123"


def test_calls_are_in_order_of_time() -> None:
    made = list(calls([(3, "c"), (1, "a"), (2, "b")]))
    assert made == [[{"timestamp": number, "message": text} for number, text in ((1, "a"), (2, "b"), (3, "c"))]]


def test_calls_keep_to_the_limits_of_put_log_events() -> None:
    # 1,048,576 bytes with 26 more an event: ten of these, and not eleven.
    size = 1_048_576 // 10 - 26
    assert [len(each) for each in calls([(number, "x" * size) for number in range(25)])] == [10, 10, 5]
    # What counts are bytes.
    assert [len(each) for each in calls([(number, "é" * (size // 2 + 1)) for number in range(25)])] == [9, 9, 7]
    assert [len(each) for each in calls([(number, "x") for number in range(10_001)])] == [10_000, 1]
    day = 86_400_000
    assert [len(each) for each in calls([(0, "a"), (day - 1, "b"), (day, "c")])] == [2, 1]
    assert list(calls([(0, "x" * 262_144)])) == []
    assert list(calls([])) == []
