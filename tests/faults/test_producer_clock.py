from pathlib import Path
from random import Random

from faults.drill import Task
from faults.producer_clock import DRILL, WRONG


def test_a_wrong_clock_stops_neither_polls_nor_numbers(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(5)))
    assert outcome.holds, outcome.broken
    # Each way twice, two runs of twelve polls each.
    assert outcome.counts["polls"] == len(WRONG) * 2 * 2 * 12 == 336
    assert outcome.counts["polls on a wrong clock"] > 100
    assert outcome.counts["longest wait for a poll, s"] == 60
    # Only those that the server asked for: three polls of two runs, half of the times.
    assert 0 < outcome.counts["polls without prices"] <= len(WRONG) * 2 * 3
    assert outcome.counts["ticks"] == 3 * (336 - outcome.counts["polls without prices"])
