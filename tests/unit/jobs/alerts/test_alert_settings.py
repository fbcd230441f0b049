"""A rule that cannot mean anything is refused, by name."""

import pytest

from pricestream.config import load_settings
from pricestream.errors import SettingsError
from tests.conftest import ROOT

ABOVE = "{name: high, when: above, value: 70000, coins: [bitcoin], vs_currency: usd}"


def test_rules_are_read() -> None:
    rules = f"[{ABOVE}, {{name: odd, when: anomaly}}, {{name: slow, when: lag, value: 300}}]"
    alerts = load_settings(ROOT / "conf" / "local.yaml", [f"job.alerts.rules={rules}"]).job.alerts
    assert [(rule.name, rule.when, rule.value) for rule in alerts.rules] == [
        ("high", "above", 70_000),
        ("odd", "anomaly", None),
        ("slow", "lag", 300),
    ]
    assert alerts.log
    assert load_settings(ROOT / "conf" / "local.yaml").job.alerts.rules == []


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("[{name: a, when: above, coins: [bitcoin], vs_currency: usd}]", "needs a value: a price in vs_currency"),
        ("[{name: a, when: above, value: 1}]", "needs coins and vs_currency"),
        ("[{name: a, when: below, value: 1, coins: [bitcoin]}]", "needs coins and vs_currency"),
        ("[{name: a, when: anomaly, value: 1}]", "takes no value"),
        ("[{name: a, when: lag}]", "a lag in seconds"),
        ("[{name: a, when: lag, value: 9, coins: [bitcoin]}]", "leave coins, vs_currency and interval out"),
        ("[{name: a, when: change, value: -1}]", "greater than 0"),
        ("[{name: a, when: change, value: .inf}]", "finite"),
        ("[{name: a, when: change, value: 5, interval: 7m}]", "divide a day evenly"),
        (
            "[{name: a, when: change, value: 5, interval: 2h}]",
            "a is about 2h bars, but there are 1m, 5m, 15m",
        ),
        ("[{name: 'a b', when: anomaly}]", "job.alerts.rules.0.name"),
        ("[{name: a, when: sideways}]", "job.alerts.rules.0.when"),
        ("[{name: a, when: anomaly, coin: x}]", "job.alerts.rules.0.coin: unknown key"),
        ("[{name: a, when: anomaly}, {name: a, when: stale}]", "the name a is there twice"),
    ],
)
def test_what_makes_no_sense_is_refused(rules: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(ROOT / "conf" / "local.yaml", [f"job.alerts.rules={rules}"])
    assert says in str(refused.value)


@pytest.mark.parametrize("given", ["webhook_env=https://hooks.example.com/key", "sns_topic=prices"])
def test_an_address_is_no_setting_and_a_topic_has_an_arn(given: str) -> None:
    with pytest.raises(SettingsError, match=f"job.alerts.{given.partition('=')[0]}"):
        load_settings(ROOT / "conf" / "local.yaml", [f"job.alerts.{given}"])
