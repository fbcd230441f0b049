"""Drills: all there are, in the order of the data's way."""

from typing import Final

from faults import (
    coingecko_answers,
    hostile_parser,
    hostile_stream,
    job_damaged,
    job_disk_full,
    job_killed,
    job_on_bad_s3,
    lake_damage,
    load,
    producer_clock,
    producer_killed,
    publish_crashes,
    put_records,
    resharded,
    s3_calls,
    spool_full,
    two_jobs,
    two_producers,
)
from faults.drill import Drill

ALL: Final[tuple[Drill, ...]] = (
    coingecko_answers.DRILL,
    producer_clock.DRILL,
    spool_full.DRILL,
    producer_killed.DRILL,
    two_producers.DRILL,
    put_records.DRILL,
    publish_crashes.DRILL,
    s3_calls.DRILL,
    lake_damage.DRILL,
    hostile_parser.DRILL,
    hostile_stream.DRILL,
    job_killed.AT_POINTS,
    job_killed.AT_RANDOM,
    resharded.DRILL,
    job_disk_full.DRILL,
    job_damaged.DRILL,
    two_jobs.DRILL,
    job_on_bad_s3.DRILL,
    load.SURGE,
    load.SOAK,
)
