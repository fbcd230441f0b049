"""Alerts of the running job: behind the files, once each, and again after a start where nobody could be told."""

import pytest

from pricestream.tick import Tick
from tests.conftest import MakeSettings
from tests.support.receiver import run_receiver
from tests.support.streaming import StartJob, Stream, closing, csv_tree, wait_for

NINE = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE = 60_000

RULES = (
    "[{name: high, when: above, value: 100, coins: [bitcoin], vs_currency: usd},"
    " {name: moved, when: change, value: 50, interval: 5m}]"
)


def ticks(*prices: float) -> list[Tick]:
    """One a minute from nine on."""
    times = (NINE + number * MINUTE for number in range(len(prices)))
    return [
        Tick("bitcoin", "usd", price, at, at, "p", number, "simulated")
        for number, (price, at) in enumerate(zip(prices, times, strict=True))
    ]


def test_a_webhook_hears_of_each_event_once_and_after_it_was_dead(
    stream: Stream,
    make_settings: MakeSettings,
    start_job: StartJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit is 100, and five minutes move by more than 50%.

    09:00   01   02   03   04   05   06   07
       90  110  120   95  150   99   98  101
           high           high            high
    5m: 90 -> 150: moved
    """
    settings = make_settings(*stream.overrides, f"job.alerts.rules={RULES}", "job.alerts.webhook_env=HOOK")
    with run_receiver() as receiver:
        monkeypatch.setenv("HOOK", receiver.url)
        job = start_job(settings)
        prices = ticks(90, 110, 120, 95, 150, 99, 98, 101)
        stream.put_ticks(prices[:6])
        stream.put(closing(settings, NINE + 6 * MINUTE))
        job.settle(rows=stream.sent, watermark_ms=NINE + 6 * MINUTE)
        wait_for("three alerts", lambda: len(receiver.received) >= 3)
        # Whoever is told can look at once.
        assert b"bitcoin" in csv_tree(settings)["interval=1m/date=2026-01-05/hour=09/bars.csv"]

        receiver.status = 503
        stream.put_ticks(prices[6:])
        stream.put(closing(settings, NINE + 8 * MINUTE))
        job.settle(rows=stream.sent, watermark_ms=NINE + 8 * MINUTE)
        wait_for("an alert that is refused", lambda: len(receiver.received) >= 4)
        job.stop()
        receiver.status = 200
        second = start_job(settings)
        refused = len(receiver.received)
        second.wait("the alert", lambda: len(receiver.received) > refused)
        second.stop()

    told = {document["id"]: document for _, document in receiver.received}
    heard = sorted((each["rule"], each["start"], each["close"]) for each in told.values())
    assert heard == [
        ("high", "2026-01-05T09:01:00Z", 110.0),
        ("high", "2026-01-05T09:04:00Z", 150.0),
        ("high", "2026-01-05T09:07:00Z", 101.0),
        ("moved", "2026-01-05T09:00:00Z", 150.0),
    ]
    # Only what was refused came more than once.
    assert [document["rule"] for _, document in receiver.received[:3]] == ["high", "high", "moved"]
    assert {document["start"] for _, document in receiver.received[3:]} == {"2026-01-05T09:07:00Z"}
