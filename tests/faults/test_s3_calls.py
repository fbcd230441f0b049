"""The project's own files on an S3 that fails, in the short form; and that the drill can tell."""

from pathlib import Path
from random import Random

import pytest

from faults.drill import Outcome, Task
from faults.s3_calls import DRILL
from jobs.storage import S3Store


def drill(tmp_path: Path, calls: int = DRILL.short) -> Outcome:
    return DRILL.run(Task(tmp_path, calls, Random(1)))


def test_every_file_is_right_though_a_call_in_four_fails(tmp_path: Path) -> None:
    outcome = drill(tmp_path)
    assert outcome.broken == ()
    counts = outcome.counts
    assert counts["calls"] >= DRILL.short
    # 20, 5 and 5 in a hundred; bodies are cut of GETs alone.
    assert counts["errors given"] > 0.15 * DRILL.short
    assert counts["answers lost"] > 0.02 * DRILL.short
    assert counts["bodies cut"] > 0
    assert min(counts[what] for what in ("files replaced", "marks moved on", "leases taken")) > 0
    assert counts["files that a rival replaced"] > 0
    # What was published, three marks and an identity.
    assert counts["files right at the end"] > 4


def test_the_drill_tells_where_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Store, "replace", lambda *_, **__: None)
    assert any("in place of" in line for line in drill(tmp_path, 100).broken)
