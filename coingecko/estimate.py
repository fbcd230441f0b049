"""What a fetch will cost, told before it starts."""

from dataclasses import dataclass

from coingecko.budget import CallsLeft


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls and time; retries come on top.

    Attributes:
        calls: how many calls are to be made.
        kept: how many chunks need none.
        least_seconds: how long the calls take at least at so many a minute.
        month_left: how many calls this month still has; None is without a limit.
    """

    calls: int
    kept: int
    least_seconds: int
    month_left: int | None

    @property
    def fits_month(self) -> bool:
        """Whether the calls can all be made this month."""
        return self.month_left is None or self.calls <= self.month_left


def estimate(*, calls: int, kept: int, per_minute: int, left: CallsLeft) -> Estimate:
    """Work out what so many calls cost; ``left`` is what the budget still allows."""
    # The first calls of a minute may go at once, and so may those of the last minute that it takes.
    full_minutes = max(0, calls - 1) // per_minute
    return Estimate(calls, kept, full_minutes * 60, left.month)
