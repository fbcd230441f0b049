"""Every small file of state, with every damage: one clear line, or no harm."""

from pathlib import Path
from random import Random

import pytest

from faults.drill import Task
from faults.lake_damage import DAMAGES, DRILL, FILES, StateFile, judge


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_whole_file_is_read_for_what_it_says(tmp_path: Path, file: StateFile) -> None:
    path = tmp_path / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.whole)
    assert file.read(tmp_path) == file.says


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_damaged_file_is_one_clear_line_or_no_harm(tmp_path: Path, file: StateFile, damage: str) -> None:
    assert judge(tmp_path, file, DAMAGES[damage](file.whole)) is None


def test_bytes_that_are_changed_at_random_are_no_traceback(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(1)))
    assert outcome.broken == ()
    assert outcome.counts == {
        "files damaged": len(FILES) * len(DAMAGES),
        "files damaged at random": DRILL.short,
    }


def test_the_judge_tells_a_traceback_and_what_is_taken_for_whole(tmp_path: Path) -> None:
    raises = StateFile("f.json", b"", lambda place: place / 1, None)  # type: ignore[operator]
    silent = StateFile("f.json", b"", lambda _: None, None)
    assert "TypeError" in str(judge(tmp_path, raises, b"x"))
    assert "is taken for whole" in str(judge(tmp_path, silent, b"x"))
