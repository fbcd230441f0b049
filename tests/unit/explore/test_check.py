import pandas as pd

from explore.check import differences, newest

START = pd.Timestamp("2026-01-05T09:00:00Z")
COLUMNS = ["open", "high", "low", "close", "tick_count"]


def bars(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Bars of one tick each."""
    table = [
        {"coin_id": coin, "vs_currency": "usd", "window_start": START + pd.Timedelta(minutes=minute)}
        | dict.fromkeys(COLUMNS[:4], price)
        | {"tick_count": 1}
        for coin, minute, price in rows
    ]
    return pd.DataFrame(table)


def ticks(*rows: tuple[str, int, float]) -> pd.DataFrame:
    table = [
        {
            "coin_id": coin,
            "vs_currency": "usd",
            "event_time": START + pd.Timedelta(minutes=minute, seconds=5),
            "event_seq": None,
            "tick_id": number,
            "price": price,
        }
        for number, (coin, minute, price) in enumerate(rows)
    ]
    return pd.DataFrame(table)


def test_bars_that_their_ticks_make_do_not_differ() -> None:
    rows = (("a", 0, 1.0), ("a", 1, 2.0), ("b", 1, 3.0))
    assert differences(bars(*rows), ticks(*rows), "1m").empty


def test_a_bar_that_is_wrong_missing_or_unfounded_differs() -> None:
    stored = bars(("a", 0, 1.0), ("a", 1, 2.0), ("b", 0, 3.0))
    found = differences(stored, ticks(("a", 0, 1.0), ("a", 1, 2.0000000000000004), ("c", 0, 9.0)), "1m")
    assert list(found["coin_id"]) == ["a", "b", "c"]


def test_the_newest_windows_are_those_of_all_coins() -> None:
    chosen = newest(bars(("a", 0, 1.0), ("a", 1, 1.0), ("b", 2, 1.0), ("a", 3, 1.0)), 2)
    assert list(chosen["coin_id"]) == ["b", "a"]
    assert len(newest(chosen, 99)) == 2
