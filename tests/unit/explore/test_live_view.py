import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from explore.front_end import mime_bundle
from explore.live_view import candle_card, price_table

START = pd.Timestamp("2026-01-05T09:00:00Z")


def bars(count: int) -> pd.DataFrame:
    rows = [
        {"vs_currency": "usd", "open": 100 + n, "high": 103 + n, "low": 99 + n, "close": 102 + n, "tick_count": 6}
        for n in range(count)
    ]
    return pd.DataFrame(rows, index=pd.DatetimeIndex([START + pd.Timedelta(minutes=n) for n in range(count)]))


def test_candles_are_a_picture_and_a_sentence() -> None:
    bundle = mime_bundle(candle_card(bars(3), "bitcoin", "1m"))
    page = bundle["text/html"]
    picture = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    [bodies] = [each.get("d") for each in picture.iter("path") if each.get("class") == "up"]
    assert bodies is not None
    assert bodies.count("M") == 3
    assert bundle["text/plain"] == "bitcoin, 1m: 3 bars, the last one closed at 104.0"


@pytest.mark.parametrize("count", [1, 2])
def test_few_candles_are_drawn_as_well(count: int) -> None:
    assert f"{count} bars" in mime_bundle(candle_card(bars(count), "bitcoin", "1m"))["text/plain"]


def test_before_the_first_bar_it_says_so() -> None:
    assert "no window has closed yet" in mime_bundle(candle_card(pd.DataFrame(), "bitcoin", "1m"))["text/html"]


def test_names_from_outside_are_no_markup() -> None:
    prices = pd.DataFrame({"coin_id": ["<b>"], "vs_currency": ["<i>"], "event_time": [START], "price": [1.0]})
    page = mime_bundle(price_table(prices, interval_ms=1000))["text/html"]
    assert "&lt;b&gt;" in page
    assert "<i>" not in page.lower()
    assert "<i>" not in mime_bundle(candle_card(bars(1), "<i>", "1m"))["text/html"]


def test_each_coin_has_its_newest_price_and_its_change() -> None:
    rows = [("a", 0, 100.0), ("b", 0, 2.0), ("a", 10, 110.0), ("b", 10, 2.0)]
    prices = pd.DataFrame(
        [
            {"coin_id": coin, "vs_currency": "usd", "event_time": START + pd.Timedelta(seconds=at), "price": price}
            for coin, at, price in rows
        ]
    )
    page = mime_bundle(price_table(prices, interval_ms=10_000))["text/html"]
    table = ET.fromstring(page[page.index("<table") : -len("</div>")])
    cells = [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
    assert cells[1:] == [["a USD", "110.000", "+10.00%", "", "2"], ["b USD", "2.00000", "0.00%", "", "2"]]
