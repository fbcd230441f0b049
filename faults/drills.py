"""Drills: all there are, in the order of the data's way."""

from typing import Final

from faults import hostile_parser, job_damaged, job_disk_full, job_killed, load, two_jobs
from faults.drill import Drill

ALL: Final[tuple[Drill, ...]] = (
    hostile_parser.DRILL,
    job_killed.AT_POINTS,
    job_killed.AT_RANDOM,
    job_disk_full.DRILL,
    job_damaged.DRILL,
    two_jobs.DRILL,
    load.SURGE,
    load.SOAK,
)
