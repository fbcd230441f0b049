"""The dates that an audit looks at."""

from datetime import date

import pytest

from jobs.audit_scope import Dates, parse_dates


@pytest.mark.parametrize(
    ("first", "end", "widened"),
    [
        ("2026-01-05", "2026-01-06", Dates(date(2026, 1, 4), date(2026, 1, 7))),
        (None, "2026-01-06", Dates(None, date(2026, 1, 7))),
        # The first and the last day that there is.
        ("0001-01-01", "9999-12-31", Dates(date(1, 1, 1), date(9999, 12, 31))),
        (None, None, Dates()),
    ],
)
def test_a_day_more_on_both_sides(first: str | None, end: str | None, widened: Dates) -> None:
    assert parse_dates(first, end).widened() == widened
