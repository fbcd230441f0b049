"""Which bars an event happens in."""

from pyspark.sql import SparkSession

from jobs.alerts.find import matches
from pricestream.alert_settings import AlertRule
from tests.support.bars import NINE_S, Bar, bar, bars_frame

M = 60


def rule(name: str, when: str, **more: object) -> AlertRule:
    return AlertRule.model_validate({"name": name, "when": when, **more})


def found(spark: SparkSession, bars: list[Bar], *rules: AlertRule, after: int = 0, through: int = 10) -> list[str]:
    """As rule@coin:number of the window, those that end in ``(after, through]`` minutes behind nine."""
    rows = matches(
        bars_frame(spark, bars),
        rules,
        base_interval="1m",
        after_s=NINE_S + after * M,
        through_s=NINE_S + through * M,
    ).collect()
    return sorted(f"{row['rule']}@{row['coin_id']}:{(row['start_s'] - NINE_S) // M}" for row in rows)


def test_a_price_is_told_when_it_is_crossed_and_not_while_it_stays(spark: SparkSession) -> None:
    """The limit is 10; a gap in between changes nothing.

    minute   0   1   2   3   4     5    6
    a        9  11  12  10  gap   11   12
    above        *                 *
    below 10.5       (11 -> 10 at 3: *)
    """
    gap = bar(4, 1.0) | {"close": None, "gap": True, "stale": False}
    bars = [bar(0, 9), bar(1, 11), bar(2, 12), bar(3, 10), gap, bar(5, 11), bar(6, 12)]
    high = rule("high", "above", value=10, coins=["a"], vs_currency="usd")
    low = rule("low", "below", value=10.5, coins=["a"], vs_currency="usd")
    assert found(spark, bars, high, low) == ["high@a:1", "high@a:5", "low@a:0", "low@a:3"]
    # The bar before the first one that is asked about is known.
    assert found(spark, bars, high, low, after=2) == ["high@a:5", "low@a:3"]
    assert found(spark, bars, high, low, after=1, through=5) == ["high@a:1", "low@a:3"]


def test_rules_are_about_their_coins_currency_and_interval(spark: SparkSession) -> None:
    bars = [
        bar(0, 20),
        bar(0, 20, coin="b"),
        bar(0, 20, vs_currency="eur"),
        bar(0, 20, interval="5m"),
        bar(1, 20, is_final=False),
    ]
    here = {"value": 10, "coins": ["a"], "vs_currency": "usd"}
    assert found(spark, bars, rule("base", "above", **here), rule("long", "above", interval="5m", **here)) == [
        "base@a:0",
        "long@a:0",
    ]
    assert found(spark, bars, rule("all", "below", value=30, coins=["a", "b"], vs_currency="usd")) == [
        "all@a:0",
        "all@b:0",
    ]


def test_changes_up_and_down_anomalies_and_coins_that_fall_silent(spark: SparkSession) -> None:
    silent = {"close": None, "gap": True, "return_pct": None, "anomaly": None, "stale": True}
    bars = [
        bar(0, 20, return_pct=5.0, stale=False),
        bar(1, 20, return_pct=-5.0, anomaly=True, stale=False),
        bar(2, 20, return_pct=4.9, anomaly=False),
        *(bar(number, 1.0) | silent for number in (3, 4)),
        bar(5, 20, return_pct=None, stale=False),
        bar(6, 1.0) | silent,
    ]
    rules = [rule("moved", "change", value=5), rule("odd", "anomaly"), rule("silent", "stale")]
    assert found(spark, bars, *rules) == ["moved@a:0", "moved@a:1", "odd@a:1", "silent@a:3", "silent@a:6"]
    assert found(spark, bars, *rules, after=4, through=6) == []
