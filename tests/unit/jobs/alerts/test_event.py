"""What a receiver is told."""

import pytest

from jobs.alerts.event import bar_event, lag_event
from pricestream.alert_settings import AlertRule

#: 2026-01-05T09:00:00Z.
NINE_S = 1_767_603_600
BAR = {
    "coin_id": "bitcoin",
    "vs_currency": "usd",
    "interval": "1m",
    "start_s": NINE_S,
    "end_s": NINE_S + 60,
    "close": 70_123.5,
    "return_pct": -4.25,
}


def rule(when: str, value: float | None = None, name: str = "r") -> AlertRule:
    coins = {"coins": ["bitcoin"], "vs_currency": "usd"} if when in ("above", "below") else {}
    return AlertRule.model_validate({"name": name, "when": when, "value": value, **coins})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rule("above", 70_000), "closed at 70123.5 in the 1m window that ended 2026-01-05T09:01:00Z, above 70000"),
        (rule("below", 80_000.5), "closed at 70123.5 in the 1m window that ended 2026-01-05T09:01:00Z, below 80000.5"),
        (rule("change", 4), "moved by -4.25% in the 1m window that ended 2026-01-05T09:01:00Z, to 70123.5"),
        (rule("anomaly"), "moved unusually in the 1m window that ended 2026-01-05T09:01:00Z, to 70123.5"),
        (rule("stale"), "has had no fresh price for long, in the 1m window that ended 2026-01-05T09:01:00Z"),
    ],
)
def test_the_text_says_what_where_and_when(rule: AlertRule, text: str) -> None:
    assert bar_event(rule, BAR).text == f"r: bitcoin/usd {text}"


def test_the_document_has_times_that_people_read_and_the_id() -> None:
    event = bar_event(rule("above", 70_000, name="high"), BAR)
    assert event.document() == {
        "id": event.id,
        "rule": "high",
        "when": "above",
        "subject": "bitcoin/usd",
        "interval": "1m",
        "start": "2026-01-05T09:00:00Z",
        "end": "2026-01-05T09:01:00Z",
        "text": event.text,
        "close": 70_123.5,
    }


def test_the_id_is_the_event_s_own() -> None:
    first = bar_event(rule("above", 70_000), BAR)
    # Found again, with a price that a late tick has changed: the same event.
    assert bar_event(rule("above", 70_000), BAR | {"close": 70_200.0}).id == first.id
    others = [
        bar_event(rule("above", 70_000, name="q"), BAR),
        bar_event(rule("above", 70_000), BAR | {"coin_id": "aave"}),
        bar_event(rule("above", 70_000), BAR | {"vs_currency": "eur"}),
        bar_event(rule("above", 70_000), BAR | {"interval": "5m"}),
        bar_event(rule("above", 70_000), BAR | {"start_s": NINE_S - 60}),
    ]
    assert len({first.id, *(each.id for each in others)}) == 6
    assert len(first.id) == 32


def test_a_lag_began_when_the_last_record_came() -> None:
    event = lag_event(rule("lag", 300, name="slow"), lag_s=301.7, now_s=NINE_S)
    assert event.text == "slow: nothing new was read for 302 s, more than 300"
    assert event.document()["start"] == "2026-01-05T08:54:58Z"
    assert event.subject == "stream"
