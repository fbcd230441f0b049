import pytest

from dashboard.model import DAY_MS, Span
from dashboard.reach import choose_interval, days_back, newest_end_ms, overlapping
from dashboard.tree import FileMark

#: 2026-01-05 00:00 UTC.
MONDAY = 1_767_571_200_000
HOUR = 3_600_000


def mark(interval: str, day: int, hour: int = 0, size: int = 10) -> FileMark:
    return FileMark(f"interval={interval}/date=2026-01-{day:02d}/hour={hour:02d}/bars.csv", "v", size)


def hours(day: int) -> list[FileMark]:
    return [mark("1m", day, hour) for hour in range(24)]


def places(marks: list[FileMark]) -> list[tuple[str, int]]:
    return [(each.date, each.hour) for each in marks]


def test_the_newest_file_ends_with_its_hour_or_from_an_hours_length_on_with_its_day() -> None:
    assert newest_end_ms(hours(5), "1m") == MONDAY + DAY_MS
    assert newest_end_ms([mark("1m", 5, 9)], "1m") == MONDAY + 10 * HOUR
    assert newest_end_ms([mark("1h", 5)], "1h") == MONDAY + DAY_MS


def test_only_files_that_touch_a_span_are_read() -> None:
    chosen = overlapping(hours(5), "1m", Span(MONDAY + 8 * HOUR + 1, MONDAY + 10 * HOUR), 1000)
    assert places(chosen) == [("2026-01-05", 8), ("2026-01-05", 9)]


def test_a_span_ends_before_its_end() -> None:
    assert overlapping(hours(5), "1m", Span(MONDAY, MONDAY + HOUR), 1000) == [mark("1m", 5, 0)]


def test_what_is_too_much_to_read_is_left_out_from_the_oldest_on() -> None:
    span = Span(MONDAY, MONDAY + DAY_MS)
    assert places(overlapping(hours(5), "1m", span, 35)) == [("2026-01-05", 21), ("2026-01-05", 22), ("2026-01-05", 23)]
    assert places(overlapping(hours(5), "1m", span, 1)) == [("2026-01-05", 23)]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"1m": 1, "5m": 1, "1h": 1}, "1m"),
        ({"1m": 5, "5m": 1, "1h": 1}, "5m"),
        ({"1m": 5, "5m": 5, "1h": 5}, "1h"),
        ({"1m": 5, "5m": 5, "1h": 5, "4h": 1}, "1h"),
        ({"4h": 1, "1d": 1}, "4h"),
    ],
)
def test_the_shortest_interval_that_is_not_too_much_draws_the_list(sizes: dict[str, int], expected: str) -> None:
    marks = {name: [mark(name, 5, hour, size) for hour in range(2)] for name, size in sizes.items()}
    assert choose_interval(marks, Span(MONDAY, MONDAY + DAY_MS), 6) == expected


@pytest.mark.parametrize(
    ("interval", "windows", "expected"),
    [("1m", 500, "2026-01-03"), ("1h", 500, "2025-12-14"), ("1d", 500, "2024-08-22")],
)
def test_files_are_listed_as_far_back_as_windows_are_shown(interval: str, windows: int, expected: str) -> None:
    assert days_back("2026-01-05", interval, windows) == expected


def test_nothing_lies_before_the_first_of_all_days() -> None:
    assert days_back("0001-01-01", "1d", 500) == "0001-01-01"
