import math

import pandas as pd
import pytest

from dashboard.model import SPARK_PARTS, Bar, CoinRow, Market, Span, find_gaps, make_row, visible_range

BITCOIN = Market("bitcoin", "usd")


def bar(start: int, price: float = 100.0, **more: object) -> Bar:
    return Bar(start, price, price, price, price)._replace(**more)  # type: ignore[arg-type]


def row(starts: list[int], opens: list[float], closes: list[float], span: Span, interval_ms: int = 60_000) -> CoinRow:
    return make_row(BITCOIN, starts, opens, closes, span, interval_ms=interval_ms)


def test_a_row_compares_the_last_close_with_the_first_open() -> None:
    made = row([0, 60_000], [80.0, 90.0], [85.0, 100.0], Span(0, 120_000))
    assert (made.last, made.change_pct, made.last_start_ms) == (100.0, 25.0, 60_000)


def test_a_first_open_of_zero_has_no_change() -> None:
    assert row([0], [0.0], [1.0], Span(0, 60_000)).change_pct is None


def test_the_course_has_the_last_close_of_each_part_as_pandas_takes_it() -> None:
    starts = [each * 60_000 for each in range(1440) if each % 7]
    closes = [math.sin(each / 1e6) + 2 for each in starts]
    span = Span(0, 1440 * 60_000)
    frame = pd.DataFrame({"at": starts, "close": closes})
    expected = frame.groupby(frame["at"] // (span.end_ms // SPARK_PARTS))["close"].last()
    assert list(row(starts, closes, closes, span).course) == expected.tolist()


def test_a_few_windows_make_a_line_without_holes() -> None:
    assert row([0, 60_000, 120_000], [1.0] * 3, [1.0, 2.0, 3.0], Span(0, 180_000)).course == (1.0, 2.0, 3.0)


def test_a_part_without_a_bar_is_empty_and_no_price_at_all_is_none() -> None:
    course = row([0, SPARK_PARTS - 1], [1.0, 2.0], [1.0, math.inf], Span(0, SPARK_PARTS), 1).course
    assert course == (1.0, *[None] * (SPARK_PARTS - 1))


def test_gaps_are_the_windows_between_two_bars_and_those_that_are_told() -> None:
    bars = [bar(0), bar(60_000), bar(240_000)]
    assert find_gaps(bars, [300_000], 60_000) == (120_000, 180_000, 300_000)


def test_a_window_that_has_a_bar_is_no_gap_whatever_is_told() -> None:
    assert find_gaps([bar(0)], [0], 60_000) == ()


def test_points_of_a_history_lie_apart_without_a_gap() -> None:
    assert find_gaps([bar(0, origin="history"), bar(3_600_000)], [], 60_000) == ()


def test_the_range_holds_all_that_is_shown_with_six_percent_of_room() -> None:
    bars = [bar(0, 1.0), bar(60, 100.0, lower=90.0, upper=190.0), bar(120, 5000.0)]
    assert visible_range(bars, Span(30, 90)) == pytest.approx((90 - 6, 190 + 6))


@pytest.mark.parametrize(("price", "expected"), [(100.0, (99.9, 100.1)), (0.0, (-1.0, 1.0))])
def test_a_price_that_stands_still_has_room_too(price: float, expected: tuple[float, float]) -> None:
    assert visible_range([bar(0, price)], Span(0, 1)) == pytest.approx(expected)


def test_there_is_no_range_without_a_number() -> None:
    assert visible_range([bar(0, math.nan)], Span(0, 1)) is None
    assert visible_range([bar(0)], Span(10, 20)) is None
