"""Which windows a file holds."""

import pytest

from jobs.publish import Partition

#: 2026-01-05T00:00:00Z.
MIDNIGHT = 1_767_571_200
HOUR = 3_600


@pytest.mark.parametrize(
    ("interval", "hour", "first", "end"),
    [
        pytest.param("1m", 0, 0, 1, id="the first hour"),
        pytest.param("45m", 23, 23, 24, id="the last, of what is shorter than an hour"),
        pytest.param("1h", 0, 0, 24, id="a day, of what is not"),
        pytest.param("1d", 0, 0, 24, id="a day of one window"),
        pytest.param("1h", 5, 0, 24, id="a day, whatever hour a file of somebody else's has"),
        pytest.param("1m", 99, 99, 100, id="a file that nobody wrote, which holds nothing"),
    ],
)
def test_a_file_holds_the_windows_of_an_hour_or_of_a_day(interval: str, hour: int, first: int, end: int) -> None:
    partition = Partition(interval, "2026-01-05", hour)
    assert (partition.start_s, partition.end_s) == (MIDNIGHT + first * HOUR, MIDNIGHT + end * HOUR)


def test_the_last_day_there_is_has_an_end_too() -> None:
    assert Partition("1d", "9999-12-31", 0).end_s == 253_402_300_800
