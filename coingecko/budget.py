"""How often the API may be asked: per minute, per calendar month, and not before it said so."""

from collections import deque
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pricestream.atomic import write_json
from pricestream.errors import StorageError
from pricestream.utc import iso

_MINUTE_MS = 60_000
_KEPT_MONTHS = 12
_LAST_MS = 253_402_300_799_000


class Wait(NamedTuple):
    """How long to hold back, and why."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """What the budget still allows; None is without a limit."""

    minute: int | None
    month: int | None


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    month: str = Field(default="", pattern=r"^(\d{4}-\d{2})?$")
    month_calls: int = Field(default=0, ge=0)
    recent_ms: list[int] = []
    blocked_until_ms: int = 0
    blocked_at_ms: int = 0
    #: Calls of the months that the clock has told otherwise.
    other_months: dict[str, int] = {}


class CallBudget:
    """Counts calls, failed ones included, and remembers them across restarts."""

    def __init__(self, path: Path | None, *, per_minute: int | None, per_month: int | None) -> None:
        """Keep the counts in ``path``, or nowhere; None is without a limit. Months are UTC.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        self._path = path
        self._per_minute = per_minute
        self._per_month = per_month
        state = _load(path)
        self._month = state.month
        self._calls = {**state.other_months, state.month: state.month_calls}
        self._recent = deque(state.recent_ms)
        self._blocked_until_ms = state.blocked_until_ms
        self._blocked_at_ms = state.blocked_at_ms

    def wait(self, now_ms: int) -> Wait | None:
        """Tell how long to hold the next call back; None when it may go at once."""
        self._turn(now_ms)
        if self._per_month is not None and self._month_calls() >= self._per_month:
            until = _next_month_ms(now_ms)
            return Wait(
                (until - now_ms) / 1000,
                f"the month's {self._per_month} API calls are used up; it goes on at {_iso(until)}",
            )
        if now_ms < self._blocked_until_ms:
            until = self._blocked_until_ms
            return Wait((until - now_ms) / 1000, f"CoinGecko asks to wait until {_iso(until)}")
        if self._per_minute is not None and len(self._recent) >= self._per_minute:
            until = self._recent[-self._per_minute] + _MINUTE_MS
            return Wait(
                (until - now_ms) / 1000,
                f"more than {self._per_minute} API calls a minute would be needed (calls_per_minute); it takes longer",
            )
        return None

    def take(self, now_ms: int) -> None:
        """Count a call, before it is made: a crash must not make it free.

        Raises:
            StorageError: the count cannot be written.
        """
        self._turn(now_ms)
        self._calls[self._month] = self._calls.get(self._month, 0) + 1
        if self._per_minute is not None:
            self._recent.append(now_ms)
        self._save()

    def block(self, now_ms: int, seconds: float) -> None:
        """Hold all calls back for so long, however the clock is set meanwhile.

        Raises:
            StorageError: it cannot be written.
        """
        self._turn(now_ms)
        self._blocked_until_ms = max(self._blocked_until_ms, now_ms + round(seconds * 1000))
        self._blocked_at_ms = now_ms
        self._save()

    def left(self, now_ms: int) -> CallsLeft:
        """Tell what may still be called within the last minute's and this month's limits."""
        self._turn(now_ms)
        return CallsLeft(
            None if self._per_minute is None else max(0, self._per_minute - len(self._recent)),
            None if self._per_month is None else max(0, self._per_month - self._month_calls()),
        )

    def _turn(self, now_ms: int) -> None:
        """Forget what is past. What lies in the future stems from a clock that was set back."""
        month = _iso(now_ms)[:7]
        if month > self._month:
            # Later months are those of a clock that was ahead: their calls were made before this one began.
            counted = sorted((each, calls) for each, calls in self._calls.items() if each <= month)
            self._calls = dict(counted[-_KEPT_MONTHS:])
        self._month = month
        # The calls were made, at the latest now.
        moments = (min(moment, now_ms) for moment in self._recent)
        self._recent = deque(moment for moment in moments if now_ms - _MINUTE_MS < moment)
        if now_ms < self._blocked_at_ms:
            self._blocked_until_ms -= self._blocked_at_ms - now_ms
            self._blocked_at_ms = now_ms

    def _month_calls(self) -> int:
        """Count this month's calls, and those that a clock which was ahead gave to later ones."""
        return sum(calls for month, calls in self._calls.items() if month >= self._month)

    def _save(self) -> None:
        if self._path is None:
            return
        state = _State(
            month=self._month,
            month_calls=self._calls.get(self._month, 0),
            other_months={month: calls for month, calls in self._calls.items() if month != self._month and calls},
            recent_ms=list(self._recent),
            blocked_until_ms=self._blocked_until_ms,
            blocked_at_ms=self._blocked_at_ms,
        )
        write_json(self._path, state.model_dump())


def _load(path: Path | None) -> _State:
    if path is None:
        return _State()
    try:
        return _State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _State()
    except ValidationError:
        raise StorageError(
            f"{path}: is damaged, so the API calls of this month are not known; delete it to count from 0 again"
        ) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from None


def _next_month_ms(now_ms: int) -> int:
    now = datetime.fromtimestamp(min(now_ms, _LAST_MS) / 1000, UTC)
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return _LAST_MS if year > MAXYEAR else int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def _iso(moment_ms: int) -> str:
    # A wish of years, or a wrong clock, may lead past the calendar's end.
    return iso(min(moment_ms, _LAST_MS) / 1000)
