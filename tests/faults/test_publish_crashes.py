"""A publisher at every I/O call of which something happens, in the short form."""

from pathlib import Path
from random import Random

from faults.drill import Task
from faults.publish_crashes import DRILL


def test_a_reader_sees_old_or_new_files_wherever_a_publisher_ends(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(1)))
    assert outcome.broken == ()
    counts = outcome.counts
    # Of four files three are replaced. On S3 that is a HEAD and a GET of each, a PUT of three, and the bars themselves.
    assert counts["calls of a publish on s3"] == 4 + 4 + 3 + 1
    calls = counts["calls of a publish on disk"] + counts["calls of a publish on s3"]
    assert counts["killed at a call"] >= calls
    assert counts["power cut at a call"] >= counts["calls of a publish on disk"]
    assert counts["killed within a write"] >= 3
    assert counts["answers lost"] >= counts["calls of a publish on s3"]
    assert counts["another publisher in between"] >= calls
    assert counts["another in between and the first killed"] > 0
    assert counts["publishers that waited for the lock"] > 0
    assert counts["reads in between"] > 1_000
