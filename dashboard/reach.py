"""Reach: which files hold a stretch of time, and which interval is short enough to draw it and long enough to read."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from dashboard.model import DAY_MS, Span
from dashboard.tree import FileMark
from pricestream.interval import interval_seconds

_HOUR_MS: Final = 3_600_000
_HOUR_SECONDS: Final = 3_600


def days_back(newest: str, interval: str, windows: int) -> str:
    """Give the date from which on files are listed: those of so many windows, and never less than of two days."""
    days = max(2, math.ceil(windows * interval_seconds(interval) * 1000 / DAY_MS) + 1)
    first = date.fromisoformat(newest)
    return (first - timedelta(days=min(days, (first - date.min).days))).isoformat()


def stretch_of(mark: FileMark, interval: str) -> Span:
    """Give the time that a file is for: its hour, or its day from an hour's length on."""
    start = int(datetime.fromisoformat(mark.date).replace(tzinfo=UTC).timestamp() * 1000)
    if interval_seconds(interval) >= _HOUR_SECONDS:
        return Span(start, start + DAY_MS)
    return Span(start + mark.hour * _HOUR_MS, start + (mark.hour + 1) * _HOUR_MS)


def newest_end_ms(marks: Sequence[FileMark], interval: str) -> int:
    """Give the end of the time that the newest file is for."""
    return stretch_of(marks[-1], interval).end_ms


def overlapping(marks: Sequence[FileMark], interval: str, span: Span, max_bytes: int) -> list[FileMark]:
    """Choose the files that may hold bars of a span, the oldest first.

    Where they have more than ``max_bytes`` together the oldest are left out; the newest is always there.
    """
    chosen: list[FileMark] = []
    size = 0
    for mark in reversed(marks):
        stretch = stretch_of(mark, interval)
        if stretch.start_ms >= span.end_ms:
            continue
        size += mark.size
        if stretch.end_ms <= span.start_ms or (chosen and size > max_bytes):
            break
        chosen.append(mark)
    return chosen[::-1]


def choose_interval(marks: Mapping[str, Sequence[FileMark]], span: Span, max_bytes: int) -> str:
    """Choose the interval to draw a span with.

    Returns:
        The shortest whose files of the span are no larger than ``max_bytes`` together, of those up to an hour;
        where there is none, the longest up to an hour, or else the shortest.
    """
    fine = [name for name in marks if interval_seconds(name) <= _HOUR_SECONDS]
    for name in fine:
        wanted = overlapping(marks[name], name, span, 1 << 62)
        if wanted and sum(mark.size for mark in wanted) <= max_bytes:
            return name
    return fine[-1] if fine else next(iter(marks))
