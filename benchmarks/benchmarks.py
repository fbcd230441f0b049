"""All benchmarks, in the order in which they run."""

from typing import Final

from benchmarks.backfill import BACKFILL
from benchmarks.bench import Benchmark

ALL: Final[tuple[Benchmark, ...]] = (BACKFILL,)
