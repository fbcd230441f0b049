"""Worked by hand: small tables whose answers are plain."""

import math

import pandas as pd
import pytest

from explore.measure import (
    anomalies,
    bars_of_ticks,
    correlation,
    deepest_fall,
    drawdown,
    gaps,
    of_coin,
    overview,
    volatility,
)


def minute(number: int) -> pd.Timestamp:
    return pd.Timestamp("2026-01-05T09:00:00Z") + pd.Timedelta(minutes=number)


def closes(*prices: float) -> pd.Series:
    return pd.Series(prices, index=pd.DatetimeIndex([minute(number) for number in range(len(prices))]), dtype=float)


def bars(coin_id: str, prices: dict[int, float], *, odd: tuple[int, ...] = ()) -> pd.DataFrame:
    """One-minute bars that open at the close before; at the numbers of ``odd`` they are anomalies."""
    rows: list[dict[str, object]] = []
    before: tuple[int, float] | None = None
    for number, close in prices.items():
        follows = before is not None and before[0] == number - 1
        rows.append(
            {
                "coin_id": coin_id,
                "vs_currency": "usd",
                "window_start": minute(number),
                "open": before[1] if before else close,
                "close": close,
                "log_return": math.log(close / before[1]) if before and follows else None,
                "return_pct": (close / before[1] - 1) * 100 if before else 0.0,
                "tick_count": 6,
                # Too few bars before it to judge by are no answer, and nothing in the file.
                "anomaly": number in odd if before else None,
            }
        )
        before = number, close
    return pd.DataFrame(rows)


def test_a_drawdown_is_measured_from_the_highest_price_before() -> None:
    below = drawdown(closes(100, 120, 90, 108, 60, 150, 135))
    assert below.tolist() == pytest.approx([0, 0, -25, -10, -50, 0, -10])


def test_the_deepest_fall_has_a_peak_a_trough_and_a_recovery() -> None:
    fall = deepest_fall(closes(100, 120, 90, 108, 60, 119, 120, 135))
    assert fall.depth_pct == pytest.approx(-50)
    assert (fall.peak_at, fall.trough_at, fall.recovered_at) == (minute(1), minute(4), minute(6))


def test_a_fall_that_lasts_has_no_recovery() -> None:
    fall = deepest_fall(closes(100, 50, 60))
    assert fall.depth_pct == pytest.approx(-50)
    assert (fall.peak_at, fall.trough_at) == (minute(0), minute(1))
    assert fall.recovered_at is None


def test_a_price_that_only_rises_has_not_fallen() -> None:
    fall = deepest_fall(closes(1, 2, 3))
    assert fall.depth_pct == 0


def test_volatility_is_the_samples_deviation_scaled_to_a_year() -> None:
    # 1 % up and 1 % down in turns: of two of them the deviation is 0.01 * sqrt(2).
    returns = pd.Series([0.01, -0.01, 0.01, -0.01])
    of_hours = volatility(returns, "1h", bars=2)
    assert math.isnan(of_hours.iloc[0])
    assert of_hours.iloc[1:].tolist() == pytest.approx([0.01 * math.sqrt(2) * math.sqrt(24 * 365) * 100] * 3)
    # A day has 24 hours: a bar of a day makes for the 24th part of the variance.
    of_days = volatility(returns, "1d", bars=2)
    assert (of_hours.iloc[1] / of_days.iloc[1]) ** 2 == pytest.approx(24)


def test_volatility_leaves_out_what_is_missing() -> None:
    returns = pd.Series([0.01, None, -0.01], dtype=float)
    assert volatility(returns, "1d", bars=3).iloc[2] == pytest.approx(0.01 * math.sqrt(2) * math.sqrt(365) * 100)


def test_coins_that_move_alike_correlate_and_those_that_move_against_each_other_do_the_opposite() -> None:
    up = {0: 100.0, 1: 110.0, 2: 99.0, 3: 130.0}
    alike = {number: 2 * price for number, price in up.items()}
    against = {number: 1 / price for number, price in up.items()}
    table = correlation(pd.concat([bars("a", up), bars("b", alike), bars("c", against)]), least=3)
    assert table.loc["a", "b"] == pytest.approx(1)
    assert table.loc["a", "c"] == pytest.approx(-1)


def test_too_few_windows_in_common_give_no_correlation() -> None:
    table = correlation(pd.concat([bars("a", {0: 1.0, 1: 2.0, 2: 1.5}), bars("b", {1: 1.0, 2: 2.0, 3: 1.0})]), least=2)
    assert table.loc[["a"], "b"].isna().all()


def test_gaps_are_found_between_a_coins_own_bars() -> None:
    found = gaps(pd.concat([bars("a", {0: 1, 1: 1, 4: 1, 6: 1}), bars("b", {2: 1, 3: 1})]), "1m")
    assert found.to_dict("records") == [
        {"coin_id": "a", "vs_currency": "usd", "from": minute(2), "to": minute(4), "windows": 2},
        {"coin_id": "a", "vs_currency": "usd", "from": minute(5), "to": minute(6), "windows": 1},
    ]


def test_a_row_that_says_that_there_was_no_tick_is_a_gap_as_well() -> None:
    coin = bars("a", {0: 1, 1: 1, 2: 1})
    coin.loc[1, "close"] = None
    assert gaps(coin, "1m")["windows"].tolist() == [1]


def test_no_gap_is_an_empty_table() -> None:
    assert gaps(bars("a", {0: 1, 1: 1}), "1m").empty


def test_anomalies_come_with_the_largest_move_first() -> None:
    coin = bars("a", {0: 100, 1: 101, 2: 101, 3: 90, 4: 91}, odd=(1, 3))
    assert anomalies(coin)["window_start"].tolist() == [minute(3), minute(1)]


def test_an_overview_has_a_line_for_each_coin() -> None:
    both = pd.concat([bars("b", {0: 1, 1: 1}), bars("a", {0: 100, 1: 80, 3: 90}, odd=(1,))])
    table = overview(both, "1m").set_index("coin_id")
    assert list(table.index) == ["a", "b"]
    a = table.loc["a"]
    assert (a["last"], a["bars"], a["missing"], a["anomalies"]) == (90, 3, 1, 1)
    assert a["change_pct"] == pytest.approx(-10)
    assert a["deepest_fall_pct"] == pytest.approx(-20)
    assert table.loc["b", "deepest_fall_pct"] == 0


def test_of_several_currencies_the_first_is_taken() -> None:
    usd = bars("a", {0: 1, 1: 2})
    both = pd.concat([usd, usd.assign(vs_currency="eur", close=[10, 20])])
    assert of_coin(both, "a")["close"].tolist() == [10, 20]
    assert of_coin(both, "a", "usd")["close"].tolist() == [1, 2]
    assert of_coin(both, "z").empty


def test_bars_are_made_of_different_ticks_in_the_order_of_their_events() -> None:
    start = pd.Timestamp("2026-01-05T09:00:00Z")

    def tick(second: float, price: float, tick_id: int, event_seq: int | None = None) -> dict[str, object]:
        moment = start + pd.Timedelta(seconds=second)
        return {
            "coin_id": "a",
            "vs_currency": "usd",
            "event_time": moment,
            "event_seq": event_seq,
            "tick_id": tick_id,
            "price": price,
        }

    # Out of order, one of them twice, two at one time that only their number tells apart, one of the next window.
    ticks = [tick(59.999, 7, 5), tick(1, 3, 2, 2), tick(1, 4, 1, 3), tick(0, 5, 3), tick(59.999, 7, 5), tick(60, 9, 4)]
    made = bars_of_ticks(pd.DataFrame(ticks), "1m")
    assert made[["open", "high", "low", "close", "tick_count"]].to_numpy().tolist() == [
        [5, 7, 3, 7, 4],
        [9, 9, 9, 9, 1],
    ]
    assert made["window_start"].tolist() == [start, start + pd.Timedelta(minutes=1)]
