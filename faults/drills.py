"""Drills: all there are, in the order of the data's way."""

from typing import Final

from faults.drill import Drill

ALL: Final[tuple[Drill, ...]] = ()
