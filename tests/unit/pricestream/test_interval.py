import pytest

from pricestream.interval import interval_seconds


@pytest.mark.parametrize(
    ("name", "seconds"), [("1s", 1), ("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3600), ("4h", 14400), ("1d", 86400)]
)
def test_length(name: str, seconds: int) -> None:
    assert interval_seconds(name) == seconds


@pytest.mark.parametrize("name", ["", "m", "0m", "1w", "-1m", "1.5h", "1m ", "1M"])
def test_what_is_no_interval_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="is not an interval"):
        interval_seconds(name)
