"""All benchmarks, in the order in which they run."""

from typing import Final

from benchmarks.backfill import BACKFILL
from benchmarks.batches import BATCHES
from benchmarks.bench import Benchmark
from benchmarks.first_command import FIRST
from benchmarks.growth import GROWTH
from benchmarks.latency import LATENCY
from benchmarks.producing import PRODUCING
from benchmarks.streaming import STREAMING

ALL: Final[tuple[Benchmark, ...]] = (BACKFILL, BATCHES, PRODUCING, STREAMING, LATENCY, GROWTH, FIRST)
