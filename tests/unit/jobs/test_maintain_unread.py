"""What the log of ``ticks`` says about rows that the bars query has not come to."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.maintain_unread import UNKNOWN, Unread, unread_of
from pricestream.errors import StorageError
from pricestream.settings import Settings

HOUR = 3_600_000
T0 = int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "ticks" / "_delta_log").mkdir(parents=True)
    return Settings.model_validate({"job": {"ticks": str(tmp_path / "ticks")}})


def commit(settings: Settings, version: int, *actions: dict[str, Any], at_ms: int = T0) -> None:
    """One version of the log, as Delta's protocol lays it down."""
    about = {"commitInfo": {"timestamp": at_ms, "operation": "WRITE"}}
    lines = "".join(f"{json.dumps(each)}\n" for each in (about, *actions))
    (Path(settings.job.ticks) / "_delta_log" / f"{version:020d}.json").write_text(lines)


def add(day: str | None, *, is_new: bool = True) -> dict[str, Any]:
    return {"add": {"path": "x", "partitionValues": {"date": day}, "size": 1, "dataChange": is_new}}


def remove(day: str) -> dict[str, Any]:
    return {"remove": {"path": "x", "partitionValues": {"date": day}, "dataChange": False}}


def test_what_is_added_from_a_version_on_is_unread(settings: Settings) -> None:
    commit(settings, 4, add("2025-12-01"))
    commit(settings, 5, add("2026-01-04"), add("2026-01-05"), at_ms=T0 + 1)
    commit(settings, 6, add("2026-01-05"), add(None), at_ms=T0 + 2)
    assert unread_of(settings, 5, 6) == Unread(frozenset({date(2026, 1, 4), date(2026, 1, 5)}), T0 + 1, T0 + 1)


def test_what_compaction_and_retention_leave_is_not(settings: Settings) -> None:
    commit(settings, 5, add("2026-01-04", is_new=False), remove("2026-01-04"), at_ms=T0)
    commit(settings, 6, remove("2025-01-01"), at_ms=T0 + 1)
    assert unread_of(settings, 5, 6) == Unread(frozenset(), version_ms=T0, rows_ms=None)


def test_whoever_has_passed_all_has_nothing_unread(settings: Settings) -> None:
    assert unread_of(settings, 7, 6) == Unread(frozenset())


def test_where_the_log_is_cut_already_anything_may_be_unread(settings: Settings) -> None:
    commit(settings, 6, add("2026-01-05"))
    assert unread_of(settings, 5, 6) == UNKNOWN
    assert UNKNOWN.has(date(2020, 1, 1))


def test_a_damaged_log_is_told(settings: Settings) -> None:
    (Path(settings.job.ticks) / "_delta_log" / f"{5:020d}.json").write_text('{"add": {')
    with pytest.raises(StorageError, match=r"_delta_log/0{19}5.json: is damaged"):
        unread_of(settings, 5, 5)


@pytest.mark.parametrize(
    ("unread", "hours_later", "is_in_danger"),
    [
        # A log of 8 days is safe for 7, a replaced file of 168 hours for 144.
        (Unread(frozenset(), version_ms=T0), 7 * 24, False),
        (Unread(frozenset(), version_ms=T0), 7 * 24 + 1, True),
        (Unread(frozenset({date(2026, 1, 5)}), T0, T0), 144, False),
        (Unread(frozenset({date(2026, 1, 5)}), T0, T0), 145, True),
        (Unread(frozenset()), 10_000, False),
        (UNKNOWN, 0, True),
    ],
)
def test_a_query_that_is_far_behind_is_in_danger(unread: Unread, hours_later: int, is_in_danger: bool) -> None:
    now_ms = T0 + hours_later * HOUR
    assert unread.is_in_danger(now_ms, log_days=8, replaced_files_hours=168) is is_in_danger
