"""Health: what is known of each part of a system, and what is wrong with it, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fact:
    """One thing that is known of a part."""

    #: For machines.
    name: str
    value: Any
    #: For people.
    words: str


@dataclass(frozen=True)
class Part:
    """One part of a system."""

    name: str
    #: One or two words, such as ``running``; what the part says of itself, or AWS of it.
    state: str
    facts: Sequence[Fact] = ()
    #: What a person should do something about, one sentence each.
    problems: Sequence[str] = ()


@dataclass(frozen=True)
class Health:
    """How a system is."""

    #: Which system, for the title.
    what: str
    parts: Sequence[Part] = field(default=())

    @property
    def problems(self) -> list[str]:
        """All that is wrong, each with its part."""
        return [f"{part.name}: {problem}" for part in self.parts for problem in part.problems]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def span(seconds: float) -> str:
    """Say how long something is: ``42 s``, ``7 min``, ``3 h`` or ``5 days``."""
    for limit, unit, name in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def document_of(health: Health) -> dict[str, Any]:
    """Give all of it for machines."""
    return {
        "system": health.what,
        "healthy": health.is_healthy,
        "problems": health.problems,
        "parts": {
            part.name: {
                "state": part.state,
                "facts": {fact.name: fact.value for fact in part.facts},
                "problems": list(part.problems),
            }
            for part in health.parts
        },
    }
