"""The drills that start the job by spark-submit, in their short form."""

from pathlib import Path
from random import Random

import pytest

from faults import job_damaged, job_disk_full, job_killed, load, two_jobs
from faults.drill import Drill, Task
from faults.small_disk import CannotMountError

DRILLS = [
    job_killed.AT_POINTS,
    job_killed.AT_RANDOM,
    job_disk_full.DRILL,
    job_damaged.DRILL,
    two_jobs.DRILL,
    load.SURGE,
    load.SOAK,
]


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_of_the_job_holds(drill: Drill, tmp_path: Path) -> None:
    try:
        outcome = drill.run(Task(tmp_path, drill.short, Random(1)))
    except CannotMountError as error:
        pytest.skip(str(error))
    assert outcome.broken == ()
    assert all(outcome.counts.values()), outcome.counts
