"""Who waits for whom.

first   |--- held ---|
second     give .....|>

Windows of a minute, by their ends; the first is through, and the second about to go first:

         60        120       180
watermark           |<------->   due: 120
second   give .................. until 120 was held, and is through
"""

import threading

import pytest

from jobs.right_of_way import RightOfWay


def test_nobody_waits_for_nothing() -> None:
    assert RightOfWay().give(patience_seconds=0)


def test_what_can_wait_does_but_never_for_long() -> None:
    way = RightOfWay()
    with way.held(60):
        assert not way.give(patience_seconds=0.01)
    assert way.give(patience_seconds=0)


def test_whoever_waits_goes_on_as_soon_as_the_first_is_through() -> None:
    way, found = RightOfWay(), list[bool]()
    with way.held(60):
        waiting = threading.Thread(target=lambda: found.append(way.give(patience_seconds=60)))
        waiting.start()
    waiting.join(timeout=60)
    assert found == [True]


def test_of_what_follows_the_last_window_one_is_due_and_not_several() -> None:
    way = RightOfWay()
    # Nothing is known of what came before.
    assert way.due_s(120, 60) is None
    way.passed(60)
    assert [way.due_s(each, 60) for each in (60, 119, 120, 179, 180, 600)] == [None, None, 120, 120, None, None]


def test_what_is_about_to_go_first_is_waited_for_until_it_is_through() -> None:
    way, found = RightOfWay(), list[bool]()
    way.passed(60)
    with way.held(60):
        pass
    # Another window that went first is not the one.
    assert not way.give(120, patience_seconds=0.01)
    waiting = threading.Thread(target=lambda: found.append(way.give(120, patience_seconds=60)))
    waiting.start()
    with way.held(120):
        assert not way.give(120, patience_seconds=0.01)
    waiting.join(timeout=60)
    assert found == [True]
    assert way.due_s(120, 60) is None


def test_a_window_that_does_not_come_in_time_is_due_once() -> None:
    way = RightOfWay()
    way.passed(60)
    assert way.due_s(120, 60) == 120
    assert not way.give(120, patience_seconds=0.01)
    assert way.due_s(120, 60) is None
    # It is still not through: with the next, two are due, and that is catching up.
    assert way.due_s(180, 60) is None
    way.passed(120)
    assert way.due_s(180, 60) == 180


def test_what_went_first_does_not_go_back() -> None:
    way = RightOfWay()
    way.passed(120)
    with way.held(60):
        pass
    assert way.due_s(180, 60) == 180


def test_it_is_given_back_after_an_error() -> None:
    way = RightOfWay()
    with pytest.raises(RuntimeError), way.held(60):
        raise RuntimeError
    assert way.give(patience_seconds=0)
