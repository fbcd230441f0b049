from typing import Any

import pytest

from dashboard.model import Span
from dashboard.zoom import ALL, read_zoom

BEFORE = Span(5, 6)


def between(start: Any, end: Any) -> dict[str, Any]:
    return {"xaxis.range[0]": start, "xaxis.range[1]": end}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (between("2026-01-05 09:00:00.5", "2026-01-05 10:00"), Span(1_767_603_600_500, 1_767_607_200_000)),
        (between("2026-01-05", "2026-01-06 00:00:00.98765"), Span(1_767_571_200_000, 1_767_657_600_987)),
        (between("1969-12-31 23:59:59", "1970-01-01 00:00:01"), Span(-1000, 1000)),
        (between(100, 250.7), Span(100, 250)),
        ({"xaxis.autorange": True}, ALL),
        ({"yaxis.range[0]": 1}, BEFORE),
        ({"autosize": True}, BEFORE),
        (None, BEFORE),
        ({}, BEFORE),
        (between("2026-01-06", "2026-01-05"), BEFORE),
        (between("<b>", "2026-01-05"), BEFORE),
        (between(None, [1]), BEFORE),
        (between(float("inf"), float("nan")), BEFORE),
    ],
)
def test_a_change_of_the_time_axis_is_read(change: dict[str, Any] | None, expected: Span) -> None:
    assert read_zoom(change, BEFORE) == expected
