"""The status file: written where something has changed, and now and then where nothing has."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.status import BEAT_SECONDS, Status, StatusFile
from pricestream.settings import Settings

NOW_MS = 1_767_603_600_000


class Rig:
    """A file, and a clock that stands until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "status.json"
        self.now_ms = NOW_MS
        settings = Settings.model_validate({"job": {"status_file": str(self.path)}})
        self.file = StatusFile(settings, lambda: self.now_ms)

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_bytes())
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_it_says_when_it_was_written_and_what_came_and_went_last(rig: Rig) -> None:
    status = Status("running", published_ms=NOW_MS - 5)
    status.see_arrival(NOW_MS - 10)
    status.see_arrival(NOW_MS - 20)
    status.see_arrival(None)
    rig.file.write(status)
    found = rig.written()
    assert found["updated_ms"] == NOW_MS
    assert found["stream"] == {"newest_arrival_ms": NOW_MS - 10}
    assert found["csv"] == {"files": 0, "published_ms": NOW_MS - 5}


def test_where_nothing_changes_it_still_beats(rig: Rig) -> None:
    assert BEAT_SECONDS == 30
    rig.file.write(Status("running"))
    rig.now_ms += 29_999
    rig.file.write(Status("running"))
    assert rig.written()["updated_ms"] == NOW_MS
    rig.now_ms += 1
    rig.file.write(Status("running"))
    assert rig.written()["updated_ms"] == NOW_MS + 30_000


def test_a_change_is_written_at_once(rig: Rig) -> None:
    rig.file.write(Status("running"))
    rig.now_ms += 1
    rig.file.write(Status("stopping"))
    assert (rig.written()["state"], rig.written()["updated_ms"]) == ("stopping", NOW_MS + 1)


def test_a_clock_that_is_set_back_does_not_silence_it(rig: Rig) -> None:
    rig.file.write(Status("running"))
    rig.now_ms -= 3_600_000
    rig.file.write(Status("running"))
    assert rig.written()["updated_ms"] == NOW_MS - 3_600_000


def carried(rig: Rig) -> tuple[int | None, int | None]:
    status = Status()
    rig.file.carry_over(status)
    return status.newest_arrival_ms, status.published_ms


def test_what_is_newest_does_not_become_younger_by_a_start(rig: Rig) -> None:
    assert carried(rig) == (None, None)
    rig.file.write(Status("failed", published_ms=77, newest_arrival_ms=55))
    assert carried(rig) == (55, 77)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"csv": {"files": 3}}',
        '{"stream": {"newest_arrival_ms": null}, "csv": {"published_ms": "soon"}}',
    ],
)
def test_a_file_that_does_not_say_it_is_no_trouble(rig: Rig, content: str) -> None:
    rig.path.write_text(content)
    assert carried(rig) == (None, None)
