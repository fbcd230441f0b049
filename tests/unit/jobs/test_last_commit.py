"""The newest commit, with the files of a log instead of Delta.

looks      1st               2nd           3rd
commits    0 ... 7 (Delta)   8, 9 (files)  -
"""

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from jobs.last_commit import LastCommit
from jobs.storage import DiskStore

#: Delta is not there.
SPARK = cast(SparkSession, None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whoever asks Delta, by the path; it says 7."""
    paths: list[str] = []

    def ask(_: object, path: str) -> int:
        paths.append(path)
        return 7

    monkeypatch.setattr("jobs.last_commit.newest_version", ask)
    return paths


def commit(table: Path, version: int) -> None:
    log = table / "_delta_log"
    log.mkdir(exist_ok=True)
    (log / f"{version:020d}.json").touch()


def test_delta_is_asked_once_and_later_commits_are_found_by_their_files(tmp_path: Path, asked: list[str]) -> None:
    commit(tmp_path, 7)
    newest = LastCommit(DiskStore(tmp_path), "table")
    assert newest.look(SPARK) == 7
    commit(tmp_path, 8)
    commit(tmp_path, 9)
    assert newest.look(SPARK) == 9
    assert newest.look(SPARK) == 9
    assert asked == ["table"]


def test_a_commit_that_came_while_delta_answered_counts(tmp_path: Path, asked: list[str]) -> None:
    commit(tmp_path, 8)
    assert LastCommit(DiskStore(tmp_path), "table").look(SPARK) == 8
    assert asked == ["table"]


def test_where_the_commit_seen_last_is_gone_delta_is_asked_anew(tmp_path: Path, asked: list[str]) -> None:
    """The table was made anew and has fewer; or it has many more, and the log begins behind what was seen."""
    newest = LastCommit(DiskStore(tmp_path), "table")
    commit(tmp_path, 8)
    assert newest.look(SPARK) == 8
    (tmp_path / "_delta_log" / f"{8:020d}.json").unlink()
    assert newest.look(SPARK) == 7
    assert asked == ["table", "table"]
