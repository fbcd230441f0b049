import pandas as pd

from explore.chart import candles, heatmap, indexed, lines, presence

START = pd.Timestamp("2026-01-05T09:00:00Z")


def times(*minutes: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([START + pd.Timedelta(minutes=minute) for minute in minutes])


def test_candles_come_with_bands_average_and_ticks() -> None:
    columns = ["open", "high", "low", "close", "sma", "bollinger_lower", "bollinger_upper", "tick_count"]
    figure = candles(pd.DataFrame(1.0, index=times(0, 1), columns=columns), "bitcoin")
    assert [trace.type for trace in figure.data] == ["scatter", "scatter", "scatter", "candlestick", "bar"]
    assert figure.layout.title.text == "bitcoin"


def test_more_than_eight_lines_are_cut_and_it_is_said() -> None:
    table = pd.DataFrame(1.0, index=times(0), columns=list("abcdefghij"))
    figure = lines(table, "Prices", "usd")
    assert [trace.name for trace in figure.data] == list("abcdefgh")
    assert figure.layout.title.text == "Prices (8 of 10 coins)"


def test_a_coin_that_begins_later_is_scaled_from_its_own_first_price() -> None:
    table = pd.DataFrame({"a": [10.0, 20.0], "b": [None, 5.0]}, index=times(0, 1))
    scaled = indexed(table)
    assert scaled["a"].tolist() == [100, 200]
    assert scaled["b"].tolist()[1] == 100


def test_numbers_stand_in_a_small_heatmap_only() -> None:
    small = pd.DataFrame(1.0, index=list("ab"), columns=list("ab"))
    large = pd.DataFrame(1.0, index=range(20), columns=range(20))
    assert heatmap(small, "").data[0].texttemplate
    assert not heatmap(large, "").data[0].texttemplate


def test_a_window_without_any_bar_has_a_place_of_its_own() -> None:
    bars = pd.DataFrame(
        {
            "coin_id": ["a", "a", "a", "b"],
            "vs_currency": "usd",
            "window_start": times(0, 1, 3, 0),
            "open": 1.0,
            "close": 1.0,
            "return_pct": 0.0,
            "tick_count": [6, 6, 6, 5],
            "anomaly": [False, True, False, False],
        }
    )
    ticks, odd = presence(bars, "").data
    assert list(pd.DatetimeIndex(ticks.x)) == list(times(0, 1, 2, 3))
    assert [[None if pd.isna(value) else value for value in row] for row in ticks.z] == [
        [6, 6, None, 6],
        [5, None, None, None],
    ]
    assert list(pd.to_datetime(odd.x, utc=True)) == list(times(1))
