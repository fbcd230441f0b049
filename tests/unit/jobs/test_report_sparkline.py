"""The small picture of a price: 120 wide, 32 high, 2 of it margin above and below."""

import math
import re

from jobs.report_model import Bar, CoinBars
from jobs.report_sparkline import sparkline_path

MINUTE = 60_000


def coin(closes: dict[int, float]) -> CoinBars:
    return CoinBars("x", "usd", tuple(Bar(at * MINUTE, c, c, c, c, 1) for at, c in closes.items()))


def path(closes: dict[int, float], windows: int) -> str:
    return sparkline_path(coin(closes), 0, windows * MINUTE, MINUTE)


def test_the_lowest_stands_at_the_bottom_and_the_highest_at_the_top() -> None:
    assert path({0: 1.0, 1: 3.0, 2: 2.0}, 3) == "M20.0 30.0L20.0 30.0L60.0 2.0L100.0 16.0"


def test_the_line_breaks_at_a_gap_and_a_lonely_bar_is_a_dot() -> None:
    assert path({0: 1.0, 2: 1.0, 3: 3.0}, 4) == "M15.0 30.0L15.0 30.0M75.0 30.0L75.0 30.0L105.0 2.0"


def test_a_price_that_stands_still_runs_through_the_middle() -> None:
    assert path({0: 5.0, 1: 5.0}, 2) == "M30.0 16.0L30.0 16.0L90.0 16.0"


def test_many_windows_become_sixty_points_that_end_with_the_last_close() -> None:
    steps = re.findall(r"[ML][\d.]+ ([\d.]+)", path({at: float(at) for at in range(600)}, 600))
    assert len(steps) == 61
    # The first part ends with close 9, the last with close 599.
    assert (steps[0], steps[-1]) == ("30.0", "2.0")


def test_the_picture_covers_the_range_of_the_page_and_not_of_the_coin() -> None:
    assert path({9: 5.0}, 10) == "M114.0 16.0L114.0 16.0"


def test_extreme_prices() -> None:
    assert path({0: 1e-15, 1: 1e9}, 2) == "M30.0 30.0L30.0 30.0L90.0 2.0"
    assert path({0: math.nan}, 1) == ""
