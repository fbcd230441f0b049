"""Runs: stretches of one long array, one for each bar, as what it looks back at. They may overlap."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """Many runs, gone over side by side: an array of results has one for each of them.

    What is asked of a run that is too short is some value of another one: whoever asks looks at :attr:`length`.
    """

    values: Floats
    #: Where each run begins in ``values``, and the place behind its end.
    first: Integers
    end: Integers

    @property
    def length(self) -> Integers:
        """How many values each run has."""
        return self.end - self.first

    def inner(self) -> "Runs":
        """Leave out the first value of each."""
        return Runs(self.values, self.first + 1, self.end)

    def oldest(self, number: int) -> Floats:
        """Give the value at this number of each run, counted from 0 at its begin."""
        return self._at(self.first + number)

    def newest(self, count: int) -> list[Floats]:
        """Give the last ``count`` values of each run, the oldest first."""
        return [self._at(self.end - back) for back in range(count, 0, -1)]

    def from_number(self, first: int) -> Iterator[tuple[Floats, Flags]]:
        """Go over the values from this number on; with each comes which of the runs have it."""
        length = self.length
        for number in range(first, int(length.max(initial=0))):
            yield self.oldest(number), number < length

    def _at(self, place: Integers) -> Floats:
        return self.values[np.clip(place, 0, self.values.size - 1)]
