"""What the report says of a coin, by hand."""

import math

from jobs.report_model import Bar, CoinBars

MINUTE = 60_000


def test_a_coin() -> None:
    coin = CoinBars(
        "bitcoin",
        "usd",
        (
            Bar(10 * MINUTE, open=100.0, high=130.0, low=90.0, close=120.0, tick_count=3),
            Bar(11 * MINUTE, open=120.0, high=125.0, low=80.0, close=110.0, tick_count=2),
            Bar(15 * MINUTE, open=110.0, high=112.0, low=105.0, close=105.0, tick_count=1),
        ),
    )
    assert (coin.last, coin.high, coin.low, coin.ticks) == (105.0, 130.0, 80.0, 6)
    assert coin.change_pct is not None
    assert math.isclose(coin.change_pct, 5.0)
    # Minutes 12, 13 and 14.
    assert coin.empty_windows(MINUTE) == 3


def test_a_change_from_nothing_is_unknown() -> None:
    assert CoinBars("x", "usd", (Bar(0, 0.0, 1.0, 0.0, 1.0, 2),)).change_pct is None
