"""What a person sees and does, in a real browser."""

import json
import re
import threading
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.feed import Glimpse
from tests.dashboard.conftest import OpenPage, Served
from tests.support.csv_tree import START, bar

MINUTE = 60
_SHOWN = (
    "() => { const x = document.querySelector('#chart .js-plotly-plot')._fullLayout.xaxis; return x.range.map(x.r2l); }"
)
_CANDLES = "() => document.querySelector('#chart .js-plotly-plot').data.find(each => each.type === 'candlestick')"


def candles(page: Page) -> dict[str, Any]:
    """Give the candles that are drawn, without the two places that tell their width."""
    page.wait_for_function(f"() => document.querySelector('#chart .js-plotly-plot')?.data && ({_CANDLES})()")
    drawn: dict[str, Any] = page.evaluate(_CANDLES)
    return {name: values[:-2] for name, values in drawn.items() if name in ("x", "open", "high", "low", "close")}


def shown(page: Page) -> tuple[float, float]:
    """Give the stretch of time that the chart shows, epoch ms."""
    start, end = page.evaluate(_SHOWN)
    return start, end


def drag(page: Page) -> None:
    """Zoom in on the middle of the chart."""
    box = page.locator("#chart .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=5)
    page.mouse.up()


def test_it_opens_with_the_first_coin_of_the_settings(served: Served, open_page: OpenPage) -> None:
    served.fill()
    served.say()
    page = open_page()
    expect(page.locator("#coins .name")).to_have_text(["solana", "bitcoin", "ethereum"])
    expect(page.locator("#chart-name")).to_contain_text("solana")
    assert candles(page)["x"] == [(START + at * MINUTE) * 1000 for at in range(60)]
    expect(page.locator("#tile-state .count")).to_have_text("Running")
    expect(page.locator("#tile-ok .count")).to_have_text("990")
    expect(page.locator("#drawn svg.main-svg").first).to_be_visible()
    expect(page.locator("#coins .course").first).to_be_visible()


def test_another_coin_and_interval_are_drawn_and_stand_in_the_address(served: Served, open_page: OpenPage) -> None:
    served.fill()
    page = open_page()
    page.get_by_role("link", name=re.compile("^bitcoin in USD")).click()
    expect(page.locator("#chart-name")).to_contain_text("bitcoin")
    page.get_by_role("navigation", name="Interval").get_by_role("link", name="5m").click()
    expect(page.get_by_role("link", name="5m")).to_have_attribute("aria-current", "true")
    page.wait_for_function(f"() => ({_CANDLES})().x.length === 14")
    assert page.url == f"{served.url}?coin=bitcoin&in=usd&interval=5m"
    again = open_page("?coin=bitcoin&in=usd&interval=5m")
    expect(again.locator("#chart-name")).to_contain_text("bitcoin")
    assert candles(again) == candles(page)
    page.go_back()
    page.wait_for_function(f"() => ({_CANDLES})().x.length === 62")


def test_it_follows_what_is_published_without_losing_choice_or_zoom(served: Served, open_page: OpenPage) -> None:
    served.fill()
    served.say()
    page = open_page("?coin=bitcoin&in=usd")
    candles(page)
    page.evaluate("() => { window.still = 'here'; }")
    drag(page)
    page.wait_for_function(
        f"([from, to]) => {{ const [a, b] = ({_SHOWN})(); return b - a < (to - from) / 3; }}", arg=[0, 60 * 60_000]
    )
    zoomed = shown(page)
    served.tree.add(bar("bitcoin", START + 60 * MINUTE, MINUTE, 4321.0))
    served.say(state="stopping", ticks={"rows": 2000, "ok": 1900, "late": 60, "rejected": 40, "heartbeat": 0})
    page.wait_for_function(f"() => ({_CANDLES})().x.length === 63")
    assert candles(page)["open"][-1] == 4321.0
    expect(page.locator("#chart-last")).to_have_text("4,364.21")
    expect(page.locator("#coins a[aria-current] .last")).to_have_text("4,364.21")
    expect(page.locator("#tile-state .count")).to_have_text("Stopping")
    expect(page.locator("#tile-late .count")).to_have_text("60")
    assert shown(page) == pytest.approx(zoomed, abs=1)
    assert page.evaluate("() => window.still") == "here"
    expect(page.locator("#chart-name")).to_contain_text("bitcoin")


def test_without_a_zoom_the_newest_bars_stay_in_sight(served: Served, open_page: OpenPage) -> None:
    served.fill(windows=200)
    page = open_page("?last=60")
    candles(page)
    half = 30_000
    assert shown(page) == ((START + 140 * MINUTE) * 1000 - half, (START + 199 * MINUTE) * 1000 + half)
    served.tree.add(bar("solana", START + 200 * MINUTE, MINUTE, 9.0))
    page.wait_for_function(f"end => ({_SHOWN})()[1] === end", arg=(START + 200 * MINUTE) * 1000 + half)
    drag(page)
    page.wait_for_function(f"() => {{ const [a, b] = ({_SHOWN})(); return b - a < 20 * 60000; }}")
    page.get_by_role("navigation", name="Windows shown").get_by_role("link", name="All").click()
    page.wait_for_function(f"start => ({_SHOWN})()[0] === start", arg=START * 1000 - half)


def test_an_empty_lake_says_so_and_fills(served: Served, open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_role("heading", name="No bars yet")).to_be_visible()
    expect(page.locator("#market")).to_be_hidden()
    expect(page.locator("#tile-state .count")).to_have_text("No status")
    served.fill()
    expect(page.get_by_role("heading", name="No bars yet")).to_be_hidden()
    assert len(candles(page)["x"]) == 60


def test_a_coin_that_is_not_here_says_so_beside_the_list(served: Served, open_page: OpenPage) -> None:
    served.fill()
    page = open_page("?coin=nosuch&in=usd")
    expect(page.get_by_role("heading", name="No bars of nosuch here")).to_be_visible()
    expect(page.locator("#drawn")).to_be_hidden()
    page.get_by_role("link", name=re.compile("^ethereum")).click()
    assert len(candles(page)["x"]) == 60


def test_the_language_is_the_browsers_until_another_is_chosen(served: Served, open_page: OpenPage) -> None:
    served.fill()
    served.say()
    page = open_page("?coin=bitcoin&in=usd", locale="es-AR")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_role("heading", name="Monedas")).to_be_visible()
    expect(page.locator("#tile-state .count")).to_have_text("En marcha")
    expect(page.locator("#chart-last")).to_contain_text(",")
    page.get_by_role("button", name="EN").click()
    expect(page.get_by_role("heading", name="Coins")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#chart-name")).to_contain_text("bitcoin")
    page.goto(served.url)
    expect(page.get_by_role("heading", name="Coins")).to_be_visible()


def test_the_keyboard_is_enough(served: Served, open_page: OpenPage) -> None:
    served.fill()
    page = open_page()
    candles(page)
    expect(page.locator("#coins a")).to_have_count(3)
    page.get_by_role("searchbox").focus()
    focused = "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(page.evaluate(focused))
    assert names[:4] == ["As set", "Name", "Gainers", "Losers"]
    # One stop for the whole list, and then on to the chart.
    assert names[4].startswith("solana in USD")
    assert names[5] == "1m"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("ethereum in USD")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#chart-name")).to_contain_text("bitcoin")
    page.wait_for_function(f"() => ({focused})().startsWith('bitcoin in USD')")
    # News must not take the focus away.
    served.tree.add(bar("bitcoin", START + 60 * MINUTE, MINUTE, 77.0))
    expect(page.locator("#coins a[aria-current] .last")).to_have_text("77.7700")
    page.wait_for_function(f"() => ({focused})().startsWith('bitcoin in USD: 77.77')")


def test_names_are_text_and_nothing_else(served: Served, open_page: OpenPage) -> None:
    names = (
        "<img src=x onerror=alert(1)>",
        "'=cmd|' /C calc'!A0",
        "a&b=c?d#e/f",
        "%s{0}{coin}",
        "</script><b>x",
        "\u202egnp",
    )
    served.tree.add(*(bar(name, START, MINUTE, 5.0) for name in names))
    page = open_page()
    shown_names = sorted(name.replace("\u202e", "\ufffd") for name in names)
    expect(page.locator("#coins a")).to_have_count(len(names))
    assert sorted(page.locator("#coins .name").all_text_contents()) == shown_names
    for name in shown_names:
        page.locator("#coins a", has_text=name).click()
        expect(page.locator("#chart-name bdi")).to_have_text(name)
        assert len(candles(page)["x"]) == 1


def test_a_thousand_coins_are_searched_sorted_and_turned_over(served: Served, open_page: OpenPage) -> None:
    coins = [f"coin-{number:04d}" for number in range(1000)]
    served.tree.add(*(bar(coin, START, MINUTE, 10.0, close=10.0 + int(coin[5:]) / 1000) for coin in coins))
    page = open_page()
    expect(page.locator("#pager")).to_contain_text("1-50 of 1,000")
    assert page.locator("#coins a").count() == 50
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#coins .name").first).to_have_text("coin-0050")
    page.get_by_role("link", name="Gainers").click()
    expect(page.locator("#coins .name").first).to_have_text("coin-0999")
    page.get_by_role("searchbox").fill("077")
    expect(page.locator("#coins .name")).to_have_text(
        [*(f"coin-077{each}" for each in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)), "coin-0077"]
    )
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.locator("#pager")).to_contain_text("No coin of that name")


def test_what_is_odd_is_marked(served: Served, open_page: OpenPage) -> None:
    served.tree.fill(["bitcoin"], range(30), skip=[("bitcoin", 10), ("bitcoin", 11)])
    served.tree.add(
        bar("bitcoin", START + 30 * MINUTE, MINUTE, 5.0, anomaly="true"),
        bar("bitcoin", START + 31 * MINUTE, MINUTE, 5.0, stale="true"),
    )
    page = open_page()
    candles(page)
    expect(page.locator("#legend .key")).to_have_text(["Average", "Bollinger bands", "Anomaly", "Not fresh", "No tick"])
    data = page.evaluate(
        "() => document.querySelector('#chart .js-plotly-plot').data.map(each => [each.type, each.mode, each.x])"
    )
    markers = [x for kind, mode, x in data if mode == "markers"]
    assert markers == [[(START + 30 * MINUTE) * 1000], [(START + 31 * MINUTE) * 1000]]
    assert ["bar", None, [(START + at * MINUTE) * 1000 for at in (10, 11)]] in json.loads(json.dumps(data))
    page.get_by_text("The last bars as a table").click()
    expect(page.locator("#bars tbody tr").first).to_contain_text("Not fresh")
    expect(page.locator("#bars tbody tr").nth(1)).to_contain_text("Anomaly")


def test_light_and_dark_follow_the_system(served: Served, open_page: OpenPage) -> None:
    served.fill()
    page = open_page(color_scheme="dark")
    candles(page)
    color = "() => document.querySelector('#chart .js-plotly-plot')._fullLayout.plot_bgcolor"
    back = "() => getComputedStyle(document.body).backgroundColor"
    assert (page.evaluate(color), page.evaluate(back)) == ("#131822", "rgb(11, 14, 20)")
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => ({color})() === '#ffffff'")
    assert page.evaluate(back) == "rgb(244, 246, 249)"


def test_a_phone_has_no_sideways_scroll_and_its_finger_no_zoom(served: Served, open_page: OpenPage) -> None:
    served.fill()
    served.say()
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    candles(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    assert page.evaluate("() => document.querySelector('#chart .js-plotly-plot')._fullLayout.dragmode") is False
    expect(page.get_by_text("Drag to zoom")).to_be_hidden()
    page.get_by_role("link", name=re.compile("^ethereum")).tap()
    expect(page.locator("#chart-name")).to_be_in_viewport()


@pytest.mark.long
def test_a_server_that_does_not_answer_is_told_and_forgotten(
    served: Served, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.fill()
    page = open_page()
    candles(page)
    goes_on = threading.Event()
    look = served.feed.look

    def look_late() -> Glimpse:
        goes_on.wait(30)
        return look()

    monkeypatch.setattr(served.feed, "look", look_late)
    page.evaluate("() => { document.documentElement.dataset.patience = '1500'; }")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    goes_on.set()
    expect(page.get_by_role("alert")).to_be_hidden()
