import pytest

from coingecko.budget import CallsLeft
from coingecko.estimate import Estimate, estimate


@pytest.mark.parametrize(
    ("calls", "per_minute", "least_seconds"),
    # Five at once, five more a minute later, and so on.
    [(0, 5, 0), (1, 5, 0), (5, 5, 0), (6, 5, 60), (10, 5, 60), (11, 5, 120), (1_250, 5, 14_940), (3, 1, 120)],
)
def test_the_least_time_is_what_the_minute_s_limit_asks_for(calls: int, per_minute: int, least_seconds: int) -> None:
    cost = estimate(calls=calls, kept=7, per_minute=per_minute, left=CallsLeft(per_minute, None))
    assert cost == Estimate(calls, 7, least_seconds, None)
    assert cost.fits_month


def test_it_tells_whether_the_month_has_so_many_calls() -> None:
    costs = [estimate(calls=calls, kept=0, per_minute=5, left=CallsLeft(5, 20)) for calls in (20, 21)]
    assert [(cost.month_left, cost.fits_month) for cost in costs] == [(20, True), (20, False)]
