"""The contract of the metrics, and the settings that say where they go."""

from pathlib import Path

import pytest

from pricestream.config import load_settings
from pricestream.errors import SettingsError
from pricestream.metric import JOB_METRICS, PRODUCER_METRICS, SHARD_METRICS

#: As the dashboard, the alarms and the documentation have them.
UNITS = {
    "ConsumerLag": "Seconds",
    "WatermarkLag": "Seconds",
    "CsvAge": "Seconds",
    "IngestBatchTime": "Milliseconds",
    "BarsBatchTime": "Milliseconds",
    "RowsRead": "Count",
    "TicksAccepted": "Count",
    "TicksLate": "Count",
    "TicksRejected": "Count",
    "StateRows": "Count",
    "StateMemory": "Bytes",
    "PublishedFiles": "Count",
    "StaleCoins": "Count",
    "Polls": "Count",
    "ApiCalls": "Count",
    "ApiRefusals": "Count",
    "RecordsSent": "Count",
    "RecordsRefused": "Count",
    "RecordsSpooled": "Count",
    "BudgetLeft": "Count",
}


def test_the_names_and_units_are_those_that_others_look_at() -> None:
    every = (*JOB_METRICS, *PRODUCER_METRICS)
    assert {each.name: each.unit for each in every} == UNITS
    assert len(every) == len(UNITS)
    assert [each.name for each in SHARD_METRICS] == ["ConsumerLag"]


def test_each_says_in_one_line_what_it_is() -> None:
    for each in (*JOB_METRICS, *PRODUCER_METRICS):
        assert each.meaning.endswith("."), each
        assert "\n" not in each.meaning


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text("", encoding="utf-8")
    return path


def test_by_default_nothing_is_written(empty: Path) -> None:
    assert not load_settings(empty).metrics.is_on


@pytest.mark.parametrize("override", ["metrics.emf=stdout", "metrics.prometheus_port=9464"])
def test_any_place_turns_them_on(empty: Path, override: str) -> None:
    assert load_settings(empty, [override]).metrics.is_on


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("metrics.emf=logs", "emf logs needs a log_group"),
        ("metrics.emf=file", "metrics.emf"),
        ("metrics.log_group='a b'", "metrics.log_group"),
        ("metrics.prometheus_port=0", "metrics.prometheus_port"),
        # The producer's is the next one.
        ("metrics.prometheus_port=65535", "metrics.prometheus_port"),
        ("metrics.every_seconds=0", "metrics.every_seconds"),
        ("metrics.every_seconds=.inf", "metrics.every_seconds"),
        ("metrics.every_second=5", "did you mean every_seconds?"),
    ],
)
def test_a_wrong_setting_is_told(empty: Path, override: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"settings\.yaml") as caught:
        load_settings(empty, [override])
    assert said in str(caught.value)
