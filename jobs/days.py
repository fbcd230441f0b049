"""Days: the UTC days that a person names, and how a range of them is gone through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pricestream.errors import SettingsError


def parse_date(option: str, text: str) -> date:
    """Read an ISO date.

    Raises:
        SettingsError: it is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise SettingsError(f"{option} {text}: is no date; write it as 2026-01-31 (UTC)") from None


def midnight(day: date) -> int:
    """Give the begin of a day, epoch seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def utc_date(seconds: int) -> str:
    """Give the UTC date of a time in epoch seconds, ISO."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def kept_from(days: int | None, now: datetime) -> date | None:
    """Give the first date that is kept for so many days; None keeps all. What is older may be gone."""
    return None if days is None else now.date() - timedelta(days=days)


@dataclass(frozen=True)
class Range:
    """The UTC days ``[first, end)``."""

    first: date
    end: date

    @classmethod
    def parse(cls, first: str, end: str) -> "Range":
        """Read two ISO dates.

        Raises:
            SettingsError: one is no date, or there is no day between them.
        """
        days = cls(parse_date("--from", first), parse_date("--to", end))
        if days.end <= days.first:
            raise SettingsError(f"--to {end}: must lie after --from {first}; the day of --to is not included")
        return days

    @property
    def start_s(self) -> int:
        """Its begin, epoch seconds."""
        return midnight(self.first)

    @property
    def end_s(self) -> int:
        """Its end, epoch seconds."""
        return midnight(self.end)


@dataclass(frozen=True)
class Step:
    """Days that are worked through in one go."""

    days: Range
    #: How many rows lie in them.
    rows: int
    #: The next step begins where this one ends.
    is_followed: bool


def steps(rows_by_date: Mapping[date, int], *, rows_a_step: int) -> Iterator[Step]:
    """Go through the days from the first that has rows to the last, as many at a time as have ``rows_a_step`` together.

    A day is never split. One without rows goes with those before it.
    """
    in_order = sorted(day for day, rows in rows_by_date.items() if rows)
    begun: list[date] = []
    for number, day in enumerate(in_order):
        begun.append(day)
        following = in_order[number + 1] if number + 1 < len(in_order) else None
        rows = sum(rows_by_date[each] for each in begun)
        if following is None or rows + rows_by_date[following] > rows_a_step:
            end = following or day + timedelta(days=1)
            yield Step(Range(begun[0], end), rows, is_followed=following is not None)
            begun = []
