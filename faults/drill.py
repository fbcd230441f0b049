"""Drill: one fault, brought about so many times, and what is left of the promises after it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Task:
    """What a drill is given."""

    #: An empty folder of its own.
    place: Path
    #: How many times the fault is to happen, in the drill's own unit.
    count: int
    #: The only source of chance, so that the same seed gives the same drill.
    rng: Random
    #: Says how far it is, in a few words.
    say: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Outcome:
    """What came of a drill."""

    #: What was done, what happened and what was found, by name: the faults that really struck among them.
    counts: Mapping[str, int]
    #: One line for each promise that did not hold; none where all did.
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every promise held."""
        return not self.broken


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up the counts of several rounds, and gather what was broken in any."""
    counts: Counter[str] = Counter()
    broken: list[str] = []
    for each in outcomes:
        counts.update(each.counts)
        broken += each.broken
    return Outcome(counts, tuple(broken))


@dataclass(frozen=True)
class Drill:
    """A fault that can be brought about."""

    #: As it is named on the command line, e.g. ``producer-killed``.
    name: str
    #: What happens, in a line.
    fault: str
    run: Callable[[Task], Outcome]
    #: What is counted, e.g. kills.
    unit: str
    #: How many in the everyday tests, and in a full campaign.
    short: int
    full: int
    #: Whether it starts Spark, which takes its time.
    has_spark: bool = False
