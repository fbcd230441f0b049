"""Each channel is told of each event at least once, in order, and one that is dead is in nobody's way.

Windows of a minute; an event happens in those that are named.

    told before the start | 60   120   180   240 ...
"""

import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.alerts.alerter import Alerter, TellMarks
from jobs.alerts.channels import NotTakenError
from jobs.alerts.event import Event
from jobs.storage import DiskStore
from pricestream.alert_settings import AlertRule
from pricestream.errors import StorageError


def event(end_s: int, rule: str = "r") -> Event:
    return Event(rule, "anomaly", "bitcoin/usd", "1m", end_s - 60, end_s, f"{rule} {end_s}")


@dataclass
class Bars:
    """What has happened, and which spans were looked at."""

    ends: Sequence[int]
    looked: list[tuple[int, int]] = field(default_factory=list)

    def find(self, after_s: int, through_s: int) -> list[Event]:
        self.looked.append((after_s, through_s))
        return [event(end) for end in self.ends if after_s < end <= through_s]


@dataclass
class Ear:
    """A channel that takes nothing while it is deaf."""

    name: str = "ear"
    is_deaf: bool = False
    takes: int = 1_000
    heard: list[str] = field(default_factory=list)

    def send(self, event: Event) -> None:
        if self.is_deaf or self.takes == 0:
            raise NotTakenError("deaf")
        self.takes -= 1
        self.heard.append(event.text)


@dataclass
class Hands:
    """A clock that is moved by hand, seconds."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def alerter(folder: Path, bars: Bars, *ears: Ear, clock: Hands | None = None, **more: object) -> Alerter:
    hands = clock or Hands()
    made = Alerter(bars.find, ears, TellMarks(DiskStore(folder)), clock=hands, monotonic=hands)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def told(made: Alerter, published_s: int) -> None:
    """As its thread does, but here and now."""
    with made._wake:
        made._through_s = published_s
    made.tell()


def test_what_closes_from_now_on_is_told_once_and_in_order(tmp_path: Path) -> None:
    ear, bars = Ear(), Bars([60, 180, 240])
    made = alerter(tmp_path, bars, ear, began_s=120)
    told(made, 120)
    assert ear.heard == []
    told(made, 240)
    told(made, 240)
    told(made, 300)
    assert ear.heard == ["r 180", "r 240"]
    assert bars.looked == [(120, 240), (240, 300)]
    assert json.loads((tmp_path / "alerted.json").read_text()) == {"ear": 300}


def test_a_new_checkpoint_hears_of_the_last_day_of_what_it_closes_first(tmp_path: Path) -> None:
    ear, day = Ear(), 86_400
    told(alerter(tmp_path, Bars([day, 2 * day, 3 * day]), ear), 3 * day)
    assert ear.heard == [f"r {3 * day}"]


def test_a_start_after_a_death_goes_on_where_each_channel_stood(tmp_path: Path) -> None:
    first, second = Ear("a"), Ear("b", is_deaf=True)
    told(alerter(tmp_path, Bars([60, 120]), first, second, began_s=1), 120)
    assert (first.heard, second.heard) == (["r 60", "r 120"], [])
    # The windows from 120 to 240 closed, and the job died before anyone was told.
    again, other = Ear("a"), Ear("b")
    told(alerter(tmp_path, Bars([60, 120, 180]), again, other, began_s=240), 240)
    assert again.heard == ["r 180"]
    assert other.heard == ["r 60", "r 120", "r 180"]


def test_a_dead_channel_is_asked_again_with_growing_pauses_and_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    deaf, ear, clock = Ear("deaf", is_deaf=True), Ear(), Hands()
    made = alerter(tmp_path, Bars([60]), deaf, ear, clock=clock, began_s=1)
    asked: list[float] = []
    for _ in range(700):
        before = made._lines[0].not_before if made._lines else 0.0
        if clock.now >= before:
            asked.append(clock.now)
        told(made, 60)
        clock.now += 1
    assert ear.heard == ["r 60"]
    assert [b - a for a, b in itertools.pairwise(asked)] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    deaf.is_deaf = False
    clock.now += 300
    told(made, 60)
    assert deaf.heard == ["r 60"]
    said = [message for message in caplog.messages if "deaf" in message]
    assert said == [
        "alerts do not reach the deaf, and are sent again until they do: deaf",
        "alerts reach the deaf again",
    ]


def test_what_was_told_before_a_failure_is_not_told_twice(tmp_path: Path) -> None:
    ear, clock = Ear(takes=2), Hands()
    made = alerter(tmp_path, Bars([60, 120, 180]), ear, clock=clock, began_s=1)
    told(made, 180)
    assert ear.heard == ["r 60", "r 120"]
    ear.takes, clock.now = 10, clock.now + 10
    told(made, 240)
    assert ear.heard == ["r 60", "r 120", "r 180"]


def test_a_channel_that_was_dead_for_days_catches_up_piece_by_piece(tmp_path: Path) -> None:
    day = 86_400
    ear, bars = Ear(), Bars([60, day + 60, 2 * day + 60])
    made = alerter(tmp_path, bars, ear, began_s=1)
    for _ in range(4):
        told(made, 2 * day + 100)
    assert bars.looked == [(1, day + 1), (day + 1, 2 * day + 1), (2 * day + 1, 2 * day + 100)]
    assert ear.heard == ["r 60", f"r {day + 60}", f"r {2 * day + 60}"]


def test_a_lag_is_told_once_until_it_is_over(tmp_path: Path) -> None:
    rule = AlertRule(name="slow", when="lag", value=300)
    ear, clock = Ear(), Hands(5_000.4)
    made = alerter(tmp_path, Bars([]), ear, clock=clock, began_s=1, lag_rules=[rule])
    for lag_s in (10.0, 301.0, 400.0, 20.0, 301.0):
        with made._wake:
            made._notice_lag(lag_s)
        told(made, 1)
    assert ear.heard == [
        "slow: nothing new was read for 301 s, more than 300",
        "slow: nothing new was read for 301 s, more than 300",
    ]


def test_a_mark_that_is_not_legible_or_cannot_be_kept_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alerted.json").write_text("[nonsense")
    ear = Ear()
    made = alerter(tmp_path, Bars([60, 120]), ear, began_s=60)

    def full(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(DiskStore, "write", full)
    told(made, 120)
    assert ear.heard == ["r 120"]
    assert "is not legible" in caplog.text
    assert "is not remembered: no space left" in caplog.text


def test_its_thread_tells_what_there_is_before_it_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ear, bars = Ear(), Bars([60])
    made = alerter(tmp_path, bars, ear, began_s=1)
    made.look(published_s=0)
    assert made._thread is None
    made.look(published_s=60)
    made.stop()
    assert ear.heard == ["r 60"]

    def broken(*_: int) -> list[Event]:
        raise ValueError("no table")

    failing = alerter(tmp_path, bars, ear, began_s=1, find=broken)
    failing.look(published_s=120)
    failing.stop()
    assert "alerts could not be found, and are looked for again: no table" in caplog.text
