"""Which windows follow from a change of base bars."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.reach import (
    Frame,
    Reach,
    Span,
    base_alone,
    behind_spans,
    beside_spans,
    longer_alone,
    made_spans,
    read_spans,
)

HOUR = 3_600


def test_a_filling_window_looks_neither_back_nor_ahead() -> None:
    # 09:00 to 09:01 has closed; the hour has not.
    reach = Reach(first=9 * HOUR, end=9 * HOUR + 60, closed=9 * HOUR + 60)
    minute, hour = reach.frames(("1m", "1h"), lookback=20)
    assert minute == Frame("1m", 60, 9 * HOUR - 19 * 60, 9 * HOUR, 9 * HOUR + 60, 9 * HOUR + 20 * 60)
    assert hour == Frame("1h", HOUR, 9 * HOUR, 9 * HOUR, 10 * HOUR, 10 * HOUR)


def test_what_a_next_step_makes_is_left_to_it() -> None:
    reach = Reach(first=0, end=24 * HOUR, closed=48 * HOUR, is_followed=True)
    (frame,) = reach.frames(("1h",), lookback=3)
    assert (frame.context, frame.changed_to) == (-2 * HOUR, 24 * HOUR)


def test_longer_windows_are_made_of_whole_ones() -> None:
    # Nothing has closed, so nothing looks back.
    frames = Reach(first=HOUR, end=5 * HOUR, closed=0).frames(("1m", "4h"), lookback=20)
    assert read_spans(frames) == (Span("1m", 0, 8 * HOUR), Span("4h", 0, 8 * HOUR))
    assert made_spans(frames) == (Span("1m", HOUR, 5 * HOUR), Span("4h", 0, 8 * HOUR))
    assert beside_spans(frames) == (Span("1m", 0, HOUR), Span("1m", 5 * HOUR, 8 * HOUR))
    assert behind_spans(frames) == ()


@given(
    first=st.integers(0, 10**6),
    minutes=st.integers(1, 5_000),
    closed=st.integers(0, 2 * 10**6),
    intervals=st.sampled_from([("1m",), ("1m", "5m"), ("1m", "15m", "4h", "1d")]),
)
def test_what_is_read_is_made_or_looked_back_at_or_lies_in_a_longer_window(
    first: int, minutes: int, closed: int, intervals: tuple[str, ...]
) -> None:
    frames = Reach(first * 60, (first + minutes) * 60, closed).frames(intervals, lookback=20)
    parts = (*made_spans(frames), *behind_spans(frames), *beside_spans(frames))
    for span in read_spans(frames):
        of_interval = [each for each in parts if each.interval == span.interval]
        assert min(each.first for each in of_interval) == span.first
        assert max(each.end for each in of_interval) == span.end
        reached = span.first
        for each in sorted(of_interval, key=lambda each: each.first):
            assert each.first <= reached, "a window between is in none"
            reached = max(reached, each.end)


def test_longer_windows_can_be_made_apart_from_the_base() -> None:
    frames = Reach(first=HOUR, end=5 * HOUR, closed=0).frames(("1m", "4h"), lookback=20)
    assert made_spans(base_alone(frames)) == (Span("1m", HOUR, 5 * HOUR),)
    assert read_spans(base_alone(frames)) == (Span("1m", HOUR, 5 * HOUR),)
    longer = longer_alone(frames)
    assert made_spans(longer) == (Span("4h", 0, 8 * HOUR),)
    assert read_spans(longer) == (Span("1m", 0, 8 * HOUR), Span("4h", 0, 8 * HOUR))
    assert beside_spans(longer) == (Span("1m", 0, HOUR), Span("1m", HOUR, 8 * HOUR))
    assert longer_alone(base_alone(frames)) == ()


@given(
    first=st.integers(0, 10**6),
    minutes=st.integers(1, 5_000),
    closed=st.integers(0, 2 * 10**6),
    lookback=st.integers(3, 100),
)
def test_every_window_that_shares_a_minute_with_the_change_is_made(
    first: int, minutes: int, closed: int, lookback: int
) -> None:
    reach = Reach(first * 60, (first + minutes) * 60, closed)
    for frame in reach.frames(("1m", "15m", "4h"), lookback=lookback):
        step = min(60 * minutes, frame.seconds)
        touched = {at // frame.seconds * frame.seconds for at in range(reach.first, reach.end, step)}
        assert frame.context <= frame.made_from <= min(touched)
        assert max(touched) + frame.seconds <= frame.made_to <= frame.changed_to
        assert frame.made_from % frame.seconds == frame.made_to % frame.seconds == 0


INTERVALS = ("1m", "5m", "15m", "1h", "4h", "1d")


@pytest.mark.parametrize(
    ("closed", "made"),
    [
        pytest.param("09:02", ("1m", "5m", "15m"), id="of whose steps a minute is one"),
        pytest.param("09:05", ("1m", "5m", "15m", "1h"), id="with five minutes, an hour"),
        pytest.param("09:15", ("1m", "5m", "15m", "1h", "4h"), id="with a quarter, four hours"),
        pytest.param("10:00", INTERVALS, id="with an hour, a day"),
    ],
)
def test_a_window_that_fills_is_made_anew_in_steps(closed: str, made: tuple[str, ...]) -> None:
    hours, minutes = map(int, closed.split(":"))
    end = hours * HOUR + minutes * 60
    reach = Reach(end - 60, end, closed=end, is_in_steps=True)
    assert tuple(frame.interval for frame in reach.frames(INTERVALS, lookback=20)) == made


def test_the_base_interval_is_always_made() -> None:
    reach = Reach(first=9 * HOUR, end=9 * HOUR + 60, closed=0, is_in_steps=True)
    assert [frame.interval for frame in reach.frames(INTERVALS, lookback=20)] == ["1m", "5m", "15m"]


@given(first=st.integers(0, 10**5), minutes=st.integers(1, 2_000), lookback=st.integers(3, 100))
def test_in_steps_too_all_that_closes_is_made_as_without(first: int, minutes: int, lookback: int) -> None:
    """Whatever is left out has nothing that is closed: nothing final is lost, only a row that fills is older."""
    end = (first + minutes) * 60
    every = Reach(first * 60, end, closed=end).frames(INTERVALS, lookback=lookback)
    some = Reach(first * 60, end, closed=end, is_in_steps=True).frames(INTERVALS, lookback=lookback)
    left_out = [frame for frame in every if frame not in some]
    assert set(some) <= set(every)
    assert all(frame.made_from + frame.seconds > end for frame in left_out)
