"""The dashboard and the alarms: that they look at what is measured, and take silence for what it is."""

import json
import re
from typing import Any

import pytest

from pricestream.metric import JOB_METRICS, NAMESPACE, PIPELINE, PRODUCER_METRICS, SHARD
from tests.unit.infra.resolved import STACK, Resolved, resolve

METRICS = {each.name: each for each in (*JOB_METRICS, *PRODUCER_METRICS)}
#: From Amazon's documentation of Kinesis' metrics by stream.
KINESIS = {
    "GetRecords.IteratorAgeMilliseconds",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
}
#: One of each comes with every reading, as long as its process runs; for Kinesis, as long as anybody reads.
ALWAYS = {
    "ConsumerLag",
    "WatermarkLag",
    "CsvAge",
    "Polls",
    "RecordsSent",
    "RecordsSpooled",
    "GetRecords.IteratorAgeMilliseconds",
}


@pytest.fixture(scope="module")
def watch() -> Resolved:
    return resolve("watch.yaml", Stream=STACK, Key="arn:aws:kms:eu-west-1:111122223333:key/k", Email="a@example.org")


def alarms_of(watch: Resolved) -> dict[str, dict[str, Any]]:
    return {
        name: each["Properties"] for name, each in watch.resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"
    }


def metric_of(alarm: dict[str, Any]) -> tuple[str, str, list[dict[str, str]], str]:
    """Namespace, name, dimensions and statistic."""
    if "Metrics" in alarm:
        stat = next(each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each)
        metric = stat["Metric"]
        return metric["Namespace"], metric["MetricName"], metric["Dimensions"], stat["Stat"]
    return alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"], alarm["Statistic"]


def test_every_alarm_looks_at_a_metric_that_there_is(watch: Resolved) -> None:
    for name, alarm in alarms_of(watch).items():
        namespace, metric, dimensions, statistic = metric_of(alarm)
        if namespace == NAMESPACE:
            assert dimensions == [{"Name": PIPELINE, "Value": STACK}], name
            # As pricestream/metric.py says how values of one metric go together.
            expected = {"gauge": {"Maximum", "Minimum"}, "counter": {"Sum"}, "timing": {"p90"}}
            assert statistic in expected[METRICS[metric].kind], name
        else:
            assert (namespace, dimensions) == ("AWS/Kinesis", [{"Name": "StreamName", "Value": STACK}]), name
            assert metric in KINESIS, name


def test_silence_is_an_alarm_where_a_value_must_always_come(watch: Resolved) -> None:
    breaching = {metric_of(each)[1] for each in alarms_of(watch).values() if each["TreatMissingData"] == "breaching"}
    others = {each["TreatMissingData"] for each in alarms_of(watch).values() if metric_of(each)[1] not in ALWAYS}

    assert breaching == ALWAYS
    assert others == {"notBreaching"}


def test_every_alarm_tells_the_topic_when_it_comes_and_goes(watch: Resolved) -> None:
    for alarm in alarms_of(watch).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["Topic"]
        assert alarm["ActionsEnabled"] is True
    quiet = resolve("watch.yaml", Stream=STACK, Notify="no")
    assert {each["ActionsEnabled"] for each in alarms_of(quiet).values()} == {False}


def test_what_is_told_to_whom(watch: Resolved) -> None:
    assert watch.resources["Subscription"]["Properties"]["Endpoint"] == "a@example.org"
    assert "Subscription" not in resolve("watch.yaml", Stream=STACK).resources
    assert watch.resources["Topic"]["Properties"]["KmsMasterKeyId"].endswith(":key/k")


def test_with_fan_out_nobody_waits_for_an_iterators_age(watch: Resolved) -> None:
    fan_out = resolve("watch.yaml", Stream=STACK, FanOut="yes")

    assert alarms_of(watch).keys() - alarms_of(fan_out).keys() == {"IteratorAgeAlarm"}


def test_the_thresholds_suit_the_settings_for_emr(watch: Resolved) -> None:
    # conf/emr.yaml: a poll in 270 s, 600 s of lateness, bars of 900 s; 120 s of clock skew.
    parameters = watch.parameters

    assert parameters["MaximumLagSeconds"] > 2 * 270
    # The watermark moves in steps, of a window at most.
    assert parameters["MaximumWatermarkLagSeconds"] > 600 + 120 + 2 * 270 + 900
    # A file is replaced once an interval; the newest may wait for the watermark, which comes with a poll.
    assert parameters["MaximumCsvAgeSeconds"] > 900 + 600 + 120 + 2 * 270
    for name in ("PollsAlarm", "SentAlarm"):
        alarm = alarms_of(watch)[name]
        assert alarm["Period"] * alarm["EvaluationPeriods"] > 2 * 270


def widgets_of(watch: Resolved) -> list[dict[str, Any]]:
    body = json.loads(watch.resources["Dashboard"]["Properties"]["DashboardBody"])
    found: list[dict[str, Any]] = body["widgets"]
    return found


def test_the_dashboard_shows_every_metric_and_no_other(watch: Resolved) -> None:
    shown = set()
    for widget in widgets_of(watch):
        for row in widget["properties"].get("metrics", ()):
            if isinstance(row[0], dict):
                continue
            namespace, name, dimension, value = row[:4]
            assert value == STACK
            assert (namespace, dimension) in {(NAMESPACE, PIPELINE), ("AWS/Kinesis", "StreamName")}
            shown.add(name)

    assert shown == METRICS.keys() | KINESIS


def test_the_dashboard_shows_the_lag_of_each_shard(watch: Resolved) -> None:
    (search,) = [
        row[0]["expression"]
        for widget in widgets_of(watch)
        for row in widget["properties"].get("metrics", ())
        if isinstance(row[0], dict)
    ]

    assert search == (
        f"SEARCH('{{{NAMESPACE},{PIPELINE},{SHARD}}} MetricName=\"ConsumerLag\" {PIPELINE}=\"{STACK}\"', 'Maximum', 60)"
    )


def test_the_dashboard_shows_every_alarm_that_is_always_there(watch: Resolved) -> None:
    (shown,) = [each["properties"]["alarms"] for each in widgets_of(watch) if each["type"] == "alarm"]

    names = {re.sub(r"\.Arn$", "", each) for each in shown}
    assert names == alarms_of(watch).keys() - {"IteratorAgeAlarm"}


def test_no_two_parts_of_the_dashboard_lie_on_each_other(watch: Resolved) -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets_of(watch):
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
