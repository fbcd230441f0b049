"""Who waits for whom.

first   |--- held ---|
second     give .....|>
"""

import threading

import pytest

from jobs.right_of_way import RightOfWay


def test_nobody_waits_for_nothing() -> None:
    assert RightOfWay().give(patience_seconds=0)


def test_what_can_wait_does_but_never_for_long() -> None:
    way = RightOfWay()
    with way.held():
        assert not way.give(patience_seconds=0.01)
    assert way.give(patience_seconds=0)


def test_whoever_waits_goes_on_as_soon_as_the_first_is_through() -> None:
    way, found = RightOfWay(), list[bool]()
    with way.held():
        waiting = threading.Thread(target=lambda: found.append(way.give(patience_seconds=60)))
        waiting.start()
    waiting.join(timeout=60)
    assert found == [True]


def test_it_is_given_back_after_an_error() -> None:
    way = RightOfWay()
    with pytest.raises(RuntimeError), way.held():
        raise RuntimeError
    assert way.give(patience_seconds=0)
