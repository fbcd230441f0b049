"""The history that a lake is given before the stream."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.growth import _check, _lines


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
    assert _check(tmp_path, 2) == 2
    with pytest.raises(BenchmarkError, match="has 2 dates before the stream's instead of 30"):
        _check(tmp_path, 30)
