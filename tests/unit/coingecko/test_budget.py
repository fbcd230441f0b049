import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coingecko.budget import CallBudget, CallsLeft
from pricestream.errors import StorageError


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def seconds(budget: CallBudget, now_ms: int) -> float:
    wait = budget.wait(now_ms)
    return 0.0 if wait is None else wait.seconds


def test_a_minute_slides(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=2, per_month=None)
    now = ms("2026-11-10T12:00:00")
    budget.take(now)
    budget.take(now + 20_000)
    assert seconds(budget, now + 20_000) == 40.0
    assert seconds(budget, now + 59_999) == 0.001
    assert seconds(budget, now + 60_000) == 0.0
    budget.take(now + 60_000)
    assert seconds(budget, now + 60_000) == 20.0
    assert budget.left(now + 60_000) == CallsLeft(0, None)
    assert budget.left(now + 80_000) == CallsLeft(1, None)


@pytest.mark.parametrize(
    ("last", "opens", "wait"),
    [
        ("2026-11-30T23:59:00", "2026-12-01T00:00:00Z", 60.0),
        ("2026-12-31T23:00:00", "2027-01-01T00:00:00Z", 3_600.0),
        ("2028-02-28T00:00:00", "2028-03-01T00:00:00Z", 2 * 86_400.0),
    ],
)
def test_a_month_ends_at_midnight_utc(tmp_path: Path, last: str, opens: str, wait: float) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=3)
    now = ms(last)
    for _ in range(3):
        assert budget.wait(now) is None
        budget.take(now)
    held = budget.wait(now)
    assert held is not None
    assert held.seconds == wait
    assert opens in held.reason
    assert budget.left(now) == CallsLeft(None, 0)
    assert budget.wait(now + round(wait * 1000)) is None
    assert budget.left(now + round(wait * 1000)) == CallsLeft(None, 3)


def test_counts_outlive_a_restart(tmp_path: Path) -> None:
    now = ms("2026-11-10T12:00:00")
    first = CallBudget(tmp_path / "b", per_minute=5, per_month=10)
    for _ in range(5):
        first.take(now)
    first.block(now, 90)
    again = CallBudget(tmp_path / "b", per_minute=5, per_month=10)
    assert again.left(now) == CallsLeft(0, 5)
    assert seconds(again, now) == 90.0
    assert seconds(again, now + 90_000) == 0.0


def test_the_server_s_wish_comes_before_the_minute_and_is_never_shortened(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=1, per_month=None)
    now = ms("2026-11-10T12:00:00")
    budget.take(now)
    budget.block(now, 3_600)
    budget.block(now, 1)
    held = budget.wait(now)
    assert held is not None
    assert held.seconds == 3_600.0
    assert "2026-11-10T13:00:00Z" in held.reason


def test_a_clock_that_was_set_back_does_not_hold_calls_back_for_long(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=1, per_month=5)
    budget.take(ms("2026-12-01T00:00:01"))
    before = ms("2026-11-30T23:00:00")
    # The call was made, so it counts for a minute at most; for the month, too.
    assert seconds(budget, before) == 60.0
    assert budget.left(before) == CallsLeft(0, 4)
    assert budget.left(before + 60_000) == CallsLeft(1, 4)


def test_calls_of_the_last_minute_count_on_a_clock_that_was_set_back(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=2, per_month=None)
    now, back = ms("2026-11-10T12:00:00"), ms("2026-11-10T11:00:00")
    budget.take(now)
    budget.take(now)
    assert budget.left(back) == CallsLeft(0, None)
    assert seconds(budget, back) == 60.0
    assert seconds(budget, back + 60_000) == 0.0


@pytest.mark.parametrize("back_seconds", [3_600, 86_400])
def test_a_clock_that_was_set_back_does_not_make_the_server_s_wish_longer(tmp_path: Path, back_seconds: int) -> None:
    now = ms("2026-11-10T12:00:00")
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=None)
    budget.block(now, 90)
    assert seconds(budget, now + 10_000) == 80.0
    back = now - back_seconds * 1000
    again = CallBudget(tmp_path / "b", per_minute=None, per_month=None)
    for it in (budget, again):
        assert seconds(it, back) == 90.0
        assert seconds(it, back + 89_000) == 1.0
        assert seconds(it, back + 90_000) == 0.0


def test_a_month_that_never_was_holds_nothing_back(tmp_path: Path) -> None:
    now, then = ms("2026-11-10T12:00:00"), ms("9999-12-31T12:00:00")
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=10)
    for moment, calls in ((now, 5), (then, 2), (now, 1)):
        for _ in range(calls):
            budget.take(moment)
    # The two were made, whatever the clock said.
    assert CallBudget(tmp_path / "b", per_minute=None, per_month=10).left(now) == CallsLeft(None, 2)
    december = ms("2026-12-01T00:00:00")
    assert budget.left(december) == CallsLeft(None, 10)
    budget.take(december)
    assert budget.left(december) == CallsLeft(None, 9)


@pytest.mark.parametrize("wrong", ["1970-01-01T00:00:00", "2026-10-31T23:59:59"])
def test_a_clock_that_was_behind_for_a_while_makes_no_call_free(tmp_path: Path, wrong: str) -> None:
    now = ms("2026-11-10T12:00:00")
    CallBudget(tmp_path / "b", per_minute=None, per_month=10).take(now)
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=10)
    budget.take(ms(wrong))
    assert budget.left(ms(wrong)) == CallsLeft(None, 8)
    assert budget.left(now).month in (8, 9)


def test_the_last_month_of_all_ends_too(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=1)
    now = ms("9999-12-31T12:00:00")
    budget.take(now)
    held = budget.wait(now)
    assert held is not None
    assert "9999" in held.reason
    budget.block(now, 1e9)
    assert budget.wait(now) is not None


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path, now = tmp_path / "b", ms("2026-11-10T12:00:00")
    held = {"recent_ms": [now - 1_000], "blocked_until_ms": now + 5_000}
    path.write_text(json.dumps({"month": "2026-11", "month_calls": 7, **held}))
    budget = CallBudget(path, per_minute=2, per_month=10)
    assert budget.left(now) == CallsLeft(1, 3)
    assert seconds(budget, now) == 5.0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"month": 3}', '{"month_calls": -1}', '{"surprise": 1}'])
def test_a_torn_file_is_a_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b"
    path.write_text(content)
    with pytest.raises(StorageError, match="delete it to count from 0"):
        CallBudget(path, per_minute=1, per_month=1)


def test_a_file_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        CallBudget(tmp_path, per_minute=1, per_month=1)
    budget = CallBudget(tmp_path / "gone" / "b", per_minute=1, per_month=1)
    with pytest.raises(StorageError, match="cannot be written"):
        budget.take(0)


def test_a_call_is_on_disk_before_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "b"
    CallBudget(path, per_minute=None, per_month=None).take(ms("2026-11-10T12:00:00"))
    assert json.loads(path.read_text())["month_calls"] == 1


def test_without_limits_nothing_waits() -> None:
    budget = CallBudget(None, per_minute=None, per_month=None)
    for now in range(1_000):
        budget.take(now)
    assert budget.wait(999) is None
    assert budget.left(999) == CallsLeft(None, None)
