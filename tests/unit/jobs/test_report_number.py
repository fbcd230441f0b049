"""Numbers of the report, as a person would write them."""

import math

import pytest

from jobs.report_number import (
    PriceFormat,
    choose_format,
    format_change,
    format_duration,
    format_moment,
    format_share,
    trend_of,
)

MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"
TIMES_TEN = "\N{MULTIPLICATION SIGN}10"


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (1e9, "1,000,000,000"),
        (1_234_567.8, "1,234,568"),
        (67_123.45, "67,123.45"),
        (581.0, "581.000"),
        (1.0, "1.00000"),
        (0.52, "0.520000"),
        (2.47123e-5, "0.0000247123"),
        (1e-6, "0.00000100000"),
        (9.99e-7, f"9.99000{TIMES_TEN}⁻⁷"),
        (1e-15, f"1.00000{TIMES_TEN}⁻¹⁵"),
        (1e12, f"1.00000{TIMES_TEN}¹²"),
        (0.0, "0.00"),
    ],
)
def test_a_price_alone(price: float, text: str) -> None:
    assert choose_format([price])(price) == text


def test_prices_of_a_coin_line_up() -> None:
    write = choose_format([9.5, 10.5])
    assert [write(9.5), write(10.5)] == ["9.5000", "10.5000"]


@pytest.mark.parametrize(
    ("prices", "texts"),
    [
        # A hundredth of the spread shows, though six digits would not tell them apart.
        ([1_000_000_000.0, 1_000_000_000.024], ["1,000,000,000.0000", "1,000,000,000.0240"]),
        ([0.99998, 0.99999], ["0.9999800", "0.9999900"]),
        ([1.00000000e-15, 1.00000002e-15], [f"1.0000000000{TIMES_TEN}⁻¹⁵", f"1.0000000200{TIMES_TEN}⁻¹⁵"]),
    ],
)
def test_prices_close_together_are_told_apart(prices: list[float], texts: list[str]) -> None:
    write = choose_format(prices)
    assert [write(price) for price in prices] == texts


def test_no_more_digits_than_a_double_holds() -> None:
    price = 67_123.45
    text = choose_format([price, math.nextafter(price, math.inf)])(price)
    assert text == "67,123.4500000000"
    assert sum(char.isdigit() for char in text) == 15


def test_a_price_far_below_the_others_keeps_its_digits() -> None:
    write = choose_format([1e-15, 1e9])
    assert write(1e9) == "1,000,000,000"
    assert write(1e-15) == f"1.00000{TIMES_TEN}⁻¹⁵"
    # A whole number needs no power of ten to be read.
    assert write(57.0) == "57"


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(price: float) -> None:
    assert PriceFormat(decimals=2)(price) == EN_DASH
    assert choose_format([price]) == PriceFormat(decimals=2)


@pytest.mark.parametrize(
    ("percent", "text", "trend"),
    [
        (2.806, "+2.81%", "up"),
        (-0.4, f"{MINUS}0.40%", "down"),
        (0.0, "0.00%", "flat"),
        (-0.0, "0.00%", "flat"),
        (0.004, "0.00%", "flat"),
        (-0.004, "0.00%", "flat"),
        (0.006, "+0.01%", "up"),
        (12_345.6, "+12,346%", "up"),
        (1.5e26, f"+1.50{TIMES_TEN}²⁶%", "up"),
        (math.inf, EN_DASH, "flat"),
        (math.nan, EN_DASH, "flat"),
        (None, EN_DASH, "flat"),
    ],
)
def test_changes(percent: float | None, text: str, trend: str) -> None:
    assert format_change(percent) == text
    assert trend_of(percent) == trend


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, EN_DASH),
        (0, 10, "0%"),
        (10, 10, "100%"),
        (95, 100, "95%"),
        (1, 8, "12.5%"),
        (1, 1_000_000, "<0.1%"),
        (999_999, 1_000_000, "99.9%"),
    ],
)
def test_shares(part: int, whole: int, text: str) -> None:
    assert format_share(part, whole) == text


@pytest.mark.parametrize(
    ("epoch_ms", "text"),
    [
        (0, "1970-01-01 00:00"),
        (1_570_795_500_000, "2019-10-11 12:05"),
        (1_570_795_501_999, "2019-10-11 12:05:01"),
        (-60_000, "1969-12-31 23:59"),
    ],
)
def test_moments_are_utc(epoch_ms: int, text: str) -> None:
    assert format_moment(epoch_ms) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (90, "1 min 30 s"), (3_600, "1 h"), (30_000, "8 h 20 min"), (180_061, "2 d 2 h")],
)
def test_durations(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
