"""Event: what has happened by a rule, and the same id for it whoever finds it, and however often."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Final

from pricestream.alert_settings import AlertRule
from pricestream.utc import iso

_ID_DIGITS: Final = 32


@dataclass(frozen=True)
class Event:
    """One event; times are epoch seconds UTC.

    Attributes:
        rule: the rule's name.
        when: its kind.
        subject: whose, such as ``bitcoin/usd``; ``stream`` for a lag.
        interval: the bar's; empty for a lag.
        start_s: when the bar's window, or the lag, began.
        end_s: when the window ended, or the lag was noticed.
        text: what a person reads.
        close: the bar's last price; None for a lag and for a coin without a price.
    """

    rule: str
    when: str
    subject: str
    interval: str
    start_s: int
    end_s: int
    text: str
    close: float | None = None

    @property
    def id(self) -> str:
        """The same for the same event, so that whoever is told twice can tell."""
        what = f"{self.rule}|{self.subject}|{self.interval}|{self.start_s}"
        return hashlib.sha256(what.encode()).hexdigest()[:_ID_DIGITS]

    def document(self) -> dict[str, Any]:
        """Give it as a receiver gets it, with times in ISO 8601."""
        times = {"start": iso(self.start_s), "end": iso(self.end_s)}
        rest = {key: value for key, value in asdict(self).items() if not key.endswith("_s")}
        return {"id": self.id, **rest, **times}


def bar_event(rule: AlertRule, bar: dict[str, Any]) -> Event:
    """Make the event of a bar that a rule has found.

    Args:
        rule: the rule.
        bar: ``coin_id``, ``vs_currency``, ``interval``, ``start_s``, ``end_s``, ``close``, ``return_pct``.
    """
    subject = f"{bar['coin_id']}/{bar['vs_currency']}"
    window = f"in the {bar['interval']} window that ended {iso(bar['end_s'])}"
    said = {
        "above": f"closed at {_number(bar['close'])} {window}, above {_number(rule.value)}",
        "below": f"closed at {_number(bar['close'])} {window}, below {_number(rule.value)}",
        "change": f"moved by {_number(bar['return_pct'])}% {window}, to {_number(bar['close'])}",
        "anomaly": f"moved unusually {window}, to {_number(bar['close'])}",
        "stale": f"has had no fresh price for long, {window}",
    }
    return Event(
        rule=rule.name,
        when=rule.when,
        subject=subject,
        interval=bar["interval"],
        start_s=bar["start_s"],
        end_s=bar["end_s"],
        text=f"{rule.name}: {subject} {said[rule.when]}",
        close=bar["close"],
    )


def lag_event(rule: AlertRule, *, lag_s: float, now_s: int) -> Event:
    """Make the event of a stream that lags.

    Args:
        rule: the rule.
        lag_s: how long nothing new was read, seconds.
        now_s: epoch seconds.
    """
    text = f"{rule.name}: nothing new was read for {lag_s:.0f} s, more than {_number(rule.value)}"
    return Event(rule.name, rule.when, "stream", "", int(now_s - lag_s), now_s, text)


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.10g}"
