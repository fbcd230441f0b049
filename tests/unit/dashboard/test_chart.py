import json
import math
from typing import Any

import plotly.graph_objects as go
import pytest

from dashboard.chart import make_figure
from dashboard.chart_layout import View
from dashboard.model import Bar, Market, Series, Span
from dashboard.palette import DARK, LIGHT
from dashboard.words import LANGUAGES
from dashboard.zoom import ALL

MINUTE = 60_000
START = 1_767_603_600_000
EN = LANGUAGES["en"]


def bars(count: int, **more: Any) -> tuple[Bar, ...]:
    return tuple(
        Bar(START + at * MINUTE, 10.0 + at, 12.0 + at, 9.0 + at, 11.0 + at, ticks=at)._replace(**more)
        for at in range(count)
    )


def series(*given: Bar, gaps: tuple[int, ...] = ()) -> Series:
    return Series(Market("<b>coin</b>", "usd"), "1m", MINUTE, given, gaps)


def view(last: int = 120, zoom: Span | None = None, **more: Any) -> View:
    return View(LIGHT, EN, last, zoom, **more)


def drawn(figure: dict[str, Any], kind: str, axis: str = "y") -> list[dict[str, Any]]:
    return [each for each in figure["data"] if each["type"] == kind and each.get("yaxis", "y") == axis]


def test_it_is_a_figure_by_plotlys_own_rules() -> None:
    whole = series(*bars(9, sma=1.0, lower=0.5, upper=2.0, is_anomaly=True, is_stale=True), gaps=(START - MINUTE,))
    for palette in (LIGHT, DARK):
        go.Figure(make_figure(whole, View(palette, LANGUAGES["es"], 60)))


def test_candles_and_ticks_are_the_bars() -> None:
    figure = make_figure(series(*bars(3)), view())
    [candles] = drawn(figure, "candlestick")
    assert candles["x"] == [START, START + MINUTE, START + 2 * MINUTE, START - 2 * MINUTE, START - MINUTE]
    assert candles["open"] == [10.0, 11.0, 12.0, None, None]
    assert candles["close"] == [11.0, 12.0, 13.0, None, None]
    [ticks] = drawn(figure, "bar", "y2")
    assert (ticks["x"], ticks["y"]) == (candles["x"][:3], [0, 1, 2])


def test_the_newest_windows_are_shown() -> None:
    layout = make_figure(series(*bars(200)), view(60))["layout"]
    half = MINUTE // 2
    assert layout["xaxis"]["range"] == [START + 140 * MINUTE - half, START + 199 * MINUTE + half]
    # From the low of bar 140 to the high of bar 199, and 6 percent of that.
    assert layout["yaxis"]["range"] == pytest.approx([149 - 3.72, 211 + 3.72])
    assert layout["yaxis2"]["range"] == pytest.approx([0, 199 * 1.08])


def test_a_zoom_has_heights_of_its_own() -> None:
    layout = make_figure(series(*bars(200)), view(60, Span(START, START + 9 * MINUTE)))["layout"]
    assert layout["xaxis"]["range"] == [START, START + 9 * MINUTE]
    assert layout["yaxis"]["range"] == pytest.approx([9 - 0.72, 21 + 0.72])


def test_all_is_all_of_it() -> None:
    layout = make_figure(series(*bars(200)), view(60, ALL))["layout"]
    assert layout["xaxis"]["range"] == [START - MINUTE // 2, START + 199 * MINUTE + MINUTE // 2]


def test_news_keep_a_zoom_and_another_choice_does_not() -> None:
    def revisions(given: Series, look: View) -> tuple[str, str]:
        layout = make_figure(given, look)["layout"]
        return layout["uirevision"], layout["yaxis"]["uirevision"]

    zoom = Span(START, START + 9 * MINUTE)
    first, more = revisions(series(*bars(200)), view(zoom=zoom)), revisions(series(*bars(201)), view(zoom=zoom))
    assert first == more
    assert revisions(series(*bars(200)), view(60))[0] != first[0]
    other = Series(Market("other", "usd"), "1m", MINUTE, bars(9))
    assert revisions(other, view())[0] != first[0]


def test_odd_bars_are_marked_beside_their_candles() -> None:
    given = list(bars(4))
    given[1] = given[1]._replace(is_anomaly=True)
    given[2] = given[2]._replace(is_stale=True)
    figure = make_figure(series(*given, gaps=(START + 7 * MINUTE,)), view())
    anomaly, stale = (each for each in drawn(figure, "scatter") if each["mode"] == "markers")
    assert (anomaly["x"], stale["x"]) == ([START + MINUTE], [START + 2 * MINUTE])
    assert anomaly["y"][0] > given[1].high
    assert stale["y"][0] < given[2].low
    [gaps] = drawn(figure, "bar", "y3")
    assert gaps["x"] == [START + 7 * MINUTE]


def test_a_finger_scrolls_the_page() -> None:
    layout = make_figure(series(*bars(3)), view(is_touch=True))["layout"]
    assert (layout["dragmode"], layout["xaxis"]["fixedrange"]) == (False, True)


def test_nothing_of_a_name_is_in_it_but_what_tells_choices_apart() -> None:
    figure = make_figure(series(*bars(3)), view())
    figure["layout"].pop("uirevision")
    assert "coin" not in json.dumps(figure)


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan, 1e300, 5e-324, 0.0])
def test_any_number_can_be_sent(odd: float) -> None:
    given = [*bars(3), Bar(START + 3 * MINUTE, odd, odd, odd, odd, None, odd, odd, odd, is_anomaly=True)]
    json.dumps(make_figure(series(*given), view()), allow_nan=False)


def test_without_bars_nothing_is_drawn() -> None:
    assert make_figure(series(), view()) == {"data": [], "layout": {}}


@pytest.mark.parametrize(
    ("price", "digits"), [(67_123.4, ",.2f"), (0.0000243, ",.10f"), (1e-15, ".5~e"), (2e15, ".5~e")]
)
def test_prices_are_written_with_the_digits_that_matter(price: float, digits: str) -> None:
    figure = make_figure(series(Bar(START, price, price, price, price)), view())
    assert figure["layout"]["yaxis"]["tickformat"] == digits
