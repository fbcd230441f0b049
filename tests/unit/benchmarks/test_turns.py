"""Contenders take turns."""

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.figure import Figure
from benchmarks.turns import take_turns


def test_every_second_round_goes_the_other_way_around() -> None:
    ran: list[str] = []

    def work(name: str, seconds: float) -> float:
        ran.append(name)
        return seconds + len(ran)

    said: list[str] = []
    figures = take_turns({"a": lambda: work("a", 0), "b": lambda: work("b", 100)}, 3, said=said.append)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert figures == {"a": Figure((1.0, 4.0, 5.0)), "b": Figure((102.0, 103.0, 106.0))}
    assert said[:2] == ["round 1 of 3: a", "round 1 of 3: b"]


def test_a_wrong_answer_ends_it() -> None:
    def wrong() -> float:
        raise BenchmarkError("its bars are not ours")

    with pytest.raises(BenchmarkError, match="not ours"):
        take_turns({"a": lambda: 1.0, "b": wrong}, 3, said=lambda _: None)
