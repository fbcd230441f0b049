"""Result: what a benchmark measured, of whom, and what stood in the way of the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figure import Figure


@dataclass(frozen=True)
class Measured:
    """The figure of one contender in one setting."""

    #: Such as ``parquet``; contenders with the same setting are held against each other.
    setting: str
    contender: str
    figure: Figure
    #: Such as ``s`` or ``records/s``.
    unit: str
    #: The contender of the same setting that this is put in relation to; None where it is a peer, or stands alone.
    against: tuple[str, ...] = ()
    #: What of it was not measured but worked out from what was, or anything else that a reader must know.
    note: str = ""


@dataclass
class Result:
    """What came out of one benchmark."""

    name: str
    what: str
    #: How much of what it was given, such as ticks and coins.
    size: Mapping[str, Any]
    measured: list[Measured] = field(default_factory=list)
    #: What was checked before a time counted.
    checked: list[str] = field(default_factory=list)
    #: Who did not take part, and why.
    absent: dict[str, str] = field(default_factory=dict)
    #: The versions of those who did.
    versions: dict[str, str] = field(default_factory=dict)
    #: What else a reader wants to see of it, a line each.
    notes: list[str] = field(default_factory=list)
    #: Everything else that was measured, for the JSON alone.
    details: dict[str, Any] = field(default_factory=dict)
    #: The load of the machine while it ran, see :func:`benchmarks.machine.load`.
    load: dict[str, Any] = field(default_factory=dict)

    def find(self, setting: str, contender: str) -> Measured | None:
        """Find a contender's figure; None where it has none."""
        found = (each for each in self.measured if (each.setting, each.contender) == (setting, contender))
        return next(found, None)
