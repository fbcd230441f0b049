"""Figure: what several runs of one contender took, and what that comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """The values of several runs, in the order in which they were measured."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse to be a figure of nothing.

        Raises:
            ValueError: there is no value.
        """
        if not self.values:
            raise ValueError("a figure needs a run")

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def least(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The greatest value."""
        return max(self.values)

    @property
    def spread_pct(self) -> float:
        """The distance from the least to the most, in percent of the median; 0 where the median is."""
        return 100 * (self.most - self.least) / self.median if self.median else 0.0

    def less(self, other: "Figure") -> "Figure":
        """Take away what was measured beside it, run by run.

        Raises:
            ValueError: the two have not as many runs.
        """
        return Figure(tuple(ours - theirs for ours, theirs in zip(self.values, other.values, strict=True)))


def ratio(ours: Figure, theirs: Figure) -> float | None:
    """Give the median of the one in medians of the other; None where the other's is not above 0."""
    return ours.median / theirs.median if theirs.median > 0 else None


def figure_of(values: Sequence[float]) -> Figure:
    """Make a figure of the values of runs."""
    return Figure(tuple(values))
