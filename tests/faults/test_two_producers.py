from pathlib import Path
from random import Random

from faults.drill import Task
from faults.two_producers import DRILL


def test_a_second_producer_is_turned_away_or_loses_nothing(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(6)))
    assert outcome.holds, outcome.broken
    assert outcome.counts["second producers turned away"] == 1
    # Each has sent 300 trades and its heartbeats from number 1 on, so at least the first 300 numbers collide.
    assert outcome.counts["ticks of both"] == 600
    assert outcome.counts["numbers that two records carry"] >= 300
