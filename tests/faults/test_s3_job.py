"""A job whose tables, checkpoint and files are on an S3 that fails: minutes, and so one of the long tests."""

from pathlib import Path
from random import Random

import pytest

from faults.drill import Task
from faults.job_on_bad_s3 import DRILL


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_tree_is_that_of_a_job_on_a_disk(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(1)))
    assert outcome.broken == ()
    counts = outcome.counts
    assert counts["errors given"] > 0.15 * counts["calls"] > 30
    # Three coins over seven minutes: 1m and 5m have closed, each a file with a header.
    assert counts["files"] == 2
    assert counts["lines"] == (1 + 3 * 7) + (1 + 3 * 1)
