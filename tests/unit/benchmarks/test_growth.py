"""The history that a lake is given before the stream."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.growth import _check_dates, _check_windows, _lines


def test_each_coin_has_a_tick_an_hour_up_to_the_first_of_the_stream() -> None:
    ticks = [json.loads(line) for line in _lines(30)]
    assert len(ticks) == 2 * 30 * 24
    times = [datetime.fromtimestamp(each["event_time"] / 1000, UTC) for each in ticks]
    assert min(times) == datetime(2025, 12, 6, tzinfo=UTC)
    assert max(times) == datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert {each["coin_id"] for each in ticks} == {"coin-00000", "coin-00001"}


def test_a_lake_that_lacks_days_is_refused(tmp_path: Path) -> None:
    # The last is the stream's own.
    for date in ("2026-01-03", "2026-01-04", "2026-01-05"):
        (tmp_path / "csv" / "interval=1m" / f"date={date}").mkdir(parents=True)
    assert _check_dates(tmp_path, 2) == 2
    with pytest.raises(BenchmarkError, match="has 2 dates before the stream's instead of 30"):
        _check_dates(tmp_path, 30)


def _publish(root: Path, minute: int, counts: dict[str, int]) -> None:
    folder = root / "csv" / "interval=1m" / "date=2026-01-05" / "hour=00"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{coin},2026-01-05T00:{minute:02d}:00Z,{count}" for coin, count in counts.items()]
    text = "\n".join(["coin_id,window_start,tick_count", *lines])
    (folder / f"{minute}.csv").write_text(f"{text}\n", encoding="utf-8")


def test_windows_count_once_each_coin_has_a_bar_of_ticks_in_them(tmp_path: Path) -> None:
    # What lies between the history and the stream has no ticks.
    _publish(tmp_path, 0, {"a": 0})
    _publish(tmp_path, 1, {"a": 1, "b": 1})
    _publish(tmp_path, 2, {"a": 1, "b": 2})
    assert _check_windows(tmp_path, 2) == 2
    _publish(tmp_path, 3, {"a": 1, "b": 0})
    with pytest.raises(BenchmarkError, match=r"the window of 2026-01-05T00:03:00Z has bars of 1 coins instead of 2"):
        _check_windows(tmp_path, 2)
