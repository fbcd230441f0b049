from pathlib import Path
from random import Random

from faults.drill import Task
from faults.put_records import DRILL


def test_refused_entries_and_lost_answers_lose_nothing(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(4)))
    assert outcome.holds, outcome.broken
    counts = outcome.counts
    assert 0.25 < counts["entries refused"] / counts["entries"] < 0.35
    assert counts["answers lost"] >= 3
    assert counts["calls"] > 10 + counts["answers lost"]
    # What was passed on is there, whether the producer heard of it or not, and what it did not hear of it sent again.
    assert counts["records on the stream"] == counts["entries"] - counts["entries refused"]
    assert counts["sent twice"] > 0
    assert counts["records on the stream"] - counts["sent twice"] > DRILL.short
