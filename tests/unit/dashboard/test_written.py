import pytest

from dashboard import written
from dashboard.words import LANGUAGES

EN, ES = LANGUAGES["en"], LANGUAGES["es"]


def test_prices_line_up_and_use_the_languages_signs() -> None:
    assert written.price_writer([67_123.456, 65_000.0], EN)(67_123.456) == "67,123.46"
    assert written.price_writer([67_123.456, 65_000.0], ES)(67_123.456) == "67.123,46"
    assert written.price_writer([1e-15], ES)(1e-15) == "1,00000\N{MULTIPLICATION SIGN}10⁻¹⁵"
    assert written.price_writer([], EN)(None) == "\u2013"


def test_changes_and_counts_too() -> None:
    assert [written.change(value, ES) for value in (2.345, -1234.5, None)] == ["+2,35%", "\u22121.234%", "\u2013"]
    assert (written.count(1_234_567, EN), written.count(1_234_567, ES)) == ("1,234,567", "1.234.567")


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(0, "0 s"), (999, "0 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h"), (90_061_000, "1 d 1 h"), (-5, "0 s")],
)
def test_lengths_of_time_are_in_two_units(ms: int, expected: str) -> None:
    assert written.duration(ms, EN) == expected


def test_times_are_utc_and_any_year_has_one() -> None:
    assert written.moment(1_767_603_600_000) == "2026-01-05 09:00"
    assert written.moment(1_767_603_601_999) == "2026-01-05 09:00:01"
    assert written.moment(-62_135_596_800_000) == "0001-01-01 00:00"


def test_a_moment_ago_is_now() -> None:
    assert (written.ago(999, EN), written.ago(1000, ES)) == ("just now", "hace 1 s")
