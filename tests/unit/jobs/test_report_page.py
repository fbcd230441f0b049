"""The page, read back with Python's own HTML parser."""

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from jobs.report_model import Bar, CoinBars, Report
from jobs.report_page import render_report

MINUTE = 60_000
#: 2026-01-05 09:00 UTC.
NINE = 1_767_603_600_000
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--\u2028"


class Page(HTMLParser):
    """What a browser would find: elements, attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            self.scripts[-1] += data
        elif "style" not in self._inside:
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def chart(self) -> dict[str, Any]:
        chart: dict[str, Any] = json.loads(self.scripts[0])
        return chart

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def a_coin(name: str = "bitcoin", windows: tuple[int, ...] = (0, 1, 2)) -> CoinBars:
    bars = (Bar(NINE + at * MINUTE, 100.0 + at, 102.5 + at, 99.25 + at, 101.0 + at, 4) for at in windows)
    return CoinBars(name, "usd", tuple(bars))


def a_report(*coins: CoinBars, **changes: Any) -> Report:
    report = Report(
        source="simulated",
        source_detail="seed 7",
        interval="1m",
        interval_ms=MINUTE,
        coins=coins,
        counts={"rows": 26_311, "ok": 25_004, "late": 12, "rejected": 3, "heartbeat": 1_292},
        settings=(("Allowed lateness", "2 min"),),
        omissions=(),
        made_at_ms=NINE + 3_600_000,
    )
    return replace(report, **changes)


def read(*coins: CoinBars, **changes: Any) -> Page:
    return Page(render_report(a_report(*coins, **changes)))


def test_what_a_reader_finds() -> None:
    page = read(a_coin(), a_coin("ethereum", (1, 5)))
    assert "2026-01-05 09:00 \N{EN DASH} 09:06 UTC (6 min)" in page.text
    for name, count in [
        ("Records", "26,311"),
        ("Accepted", "25,004 95%"),
        ("Late", "12 <0.1%"),
        ("Rejected", "3 <0.1%"),
        ("Heartbeats", "1,292 4.9%"),
    ]:
        assert f"{name} {count}" in page.text
    # Last price, change against the first open, bars, ticks.
    assert "bitcoin USD 103.000 ▲ +3.00% 3 12" in page.text
    assert "ethereum USD 106.000 ▲ +4.95% 2 8" in page.text
    assert "Allowed lateness 2 min" in page.text
    assert "Written 2026-01-05 10:00 UTC" in page.text


def test_the_day_is_told_twice_where_it_changes() -> None:
    assert "2026-01-05 09:00 \N{EN DASH} 2026-01-06 09:01 UTC (1 d 1 min)" in read(a_coin(windows=(0, 1_440))).text


def test_the_chart_gets_the_bars_to_the_bit_and_nothing_in_the_gaps() -> None:
    third = CoinBars("x", "eur", (Bar(NINE + 7 * MINUTE, 1 / 3, 2 / 3, 1e-15, 0.1 + 0.2, 9),))
    chart = read(a_coin(windows=(0, 4)), third).chart
    assert (chart["startMs"], chart["endMs"], chart["intervalMs"]) == (NINE, NINE + 8 * MINUTE, MINUTE)
    first, second = chart["coins"]
    assert first["window"] == [0, 4]
    assert ["Empty windows", "3"] in first["facts"]
    assert first["close"] == [101.0, 105.0]
    assert (second["name"], second["currency"], second["window"], second["ticks"]) == ("x", "EUR", [7], [9])
    assert [second[key] for key in ("open", "high", "low", "close")] == [[1 / 3], [2 / 3], [1e-15], [0.1 + 0.2]]


def test_closer_looks_are_offered_as_far_as_they_are_closer() -> None:
    short = read(a_coin(windows=(0, 29))).chart["ranges"]
    assert short == [{"label": "All", "windows": None}]
    long = read(a_coin(windows=(0, 120))).chart["ranges"]
    assert [look["label"] for look in long] == ["30 min", "1 h", "2 h", "All"]


def test_a_price_that_is_no_number_is_null_in_the_chart() -> None:
    odd = CoinBars("odd", "usd", (Bar(NINE, 1.0, math.inf, math.nan, 1.0, 1),))
    assert (read(odd).chart["coins"][0]["high"], read(odd).chart["coins"][0]["low"]) == ([None], [None])


def test_hostile_text_is_text_everywhere() -> None:
    plain = read(a_coin(), source="?", omissions=("a",))
    hostile = read(
        replace(a_coin(HOSTILE), vs_currency=HOSTILE),
        source=HOSTILE,
        source_detail=HOSTILE,
        interval=HOSTILE,
        settings=((HOSTILE, HOSTILE),),
        omissions=(HOSTILE,),
    )
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert not any(name.startswith("on") for _, attributes in hostile.tags for name in attributes)
    assert hostile.chart["coins"][0]["name"] == HOSTILE
    assert hostile.scripts[1:] == plain.scripts[1:]
    # Name, currency, chip, source, its detail, interval, both sides of a setting, omission.
    seen = " ".join(HOSTILE.split())
    assert hostile.text.count(seen) + hostile.text.count(" ".join(HOSTILE.upper().split())) == 9
    assert ("button", {"type": "button", "title": HOSTILE}) in hostile.tags


@pytest.mark.parametrize("escaped", ["<", ">", "&", "\u2028", "\u2029"])
def test_nothing_in_the_data_looks_like_markup(escaped: str) -> None:
    page = read(a_coin(f"a{escaped}b"))
    assert escaped not in page.scripts[0]
    assert page.chart["coins"][0]["name"] == f"a{escaped}b"


def test_the_page_needs_nothing_else() -> None:
    page = read(a_coin(), source="coingecko")
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert [link for link in links if link and not link.startswith("data:")] == ["https://www.coingecko.com"]
    policy = next(attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    # Data, Plotly, our own; and none of them ended too early.
    assert len(page.scripts) == 3
    assert "plotly.js" in page.scripts[1][:500]
    assert page.scripts[2].rstrip().endswith("})();")


@pytest.mark.parametrize(
    ("source", "detail", "text"),
    [
        ("coingecko", "", "Data from CoinGecko Written"),
        ("simulated", "seed 7", "Simulated prices: a made-up market, no data of a real one (seed 7) Written"),
        ("replay", "trades.csv", "Recorded prices, replayed (trades.csv) Written"),
    ],
)
def test_attribution(source: str, detail: str, text: str) -> None:
    page = read(source=source, source_detail=detail)
    assert text in page.text
    assert (page.count("a") == 1) is (source == "coingecko")


def test_before_the_first_bar_the_page_says_so_and_stays_small() -> None:
    html = render_report(a_report())
    page = Page(html)
    assert "No bars yet Records have arrived" in page.text
    assert "no window has closed yet" in page.text
    assert (page.scripts, page.count("table")) == ([], 0)
    assert len(html) < 30_000
    nothing = read(counts={})
    assert "No record has arrived" in nothing.text
    assert "Records 0 read" in nothing.text


def test_what_is_left_out_is_said() -> None:
    assert "older bars: 5" in read(a_coin(), omissions=("older bars: 5",)).text
    assert "leaves out" not in render_report(a_report())


def test_a_few_coins_stand_above_the_chart_and_many_beside_it() -> None:
    def layout(count: int) -> str | None:
        tags = read(*(a_coin(f"coin-{number}") for number in range(count))).tags
        return next(css for _, a in tags if (css := a.get("class") or "").startswith("market"))

    assert (layout(3), layout(4)) == ("market few", "market many")


def test_every_coin_can_be_chosen_from_the_keyboard() -> None:
    page = read(*(a_coin(f"coin-{number}") for number in range(24)))
    rows = [attributes["data-coin"] for tag, attributes in page.tags if tag == "tr" and "data-coin" in attributes]
    assert rows == [str(number) for number in range(24)]
    titles = [attributes["title"] for tag, attributes in page.tags if tag == "button"]
    assert titles == [coin["name"] for coin in page.chart["coins"]]


@pytest.mark.parametrize("turn", ["\u202e", "\u2066", "\u2067\u202e", "\u200f", "\u061c"])
def test_no_name_turns_the_writing_of_what_stands_beside_it(turn: str) -> None:
    name = f"{turn}niocti{turn}b"
    html = render_report(a_report(a_coin(name), source=name, settings=((name, name),), omissions=(name,)))
    page = Page(html)
    # The script of Plotly has some of these of its own.
    assert not set(turn) & set(page.text)
    assert not any(set(turn) & set(value or "") for _, attributes in page.tags for value in attributes.values())
    marks = "\N{REPLACEMENT CHARACTER}" * len(turn)
    assert page.chart["coins"][0]["name"] == f"{marks}niocti{marks}b"


def test_a_long_name_is_there_once_in_each_place_and_whole() -> None:
    name = "y" * 2_048
    page = read(a_coin(name))
    assert page.words.count(name) == 1
    assert page.chart["coins"][0]["name"] == name


def test_the_policy_stands_before_all_that_it_is_to_hold() -> None:
    # What comes before it is not held to it; and it lets nothing be fetched, sent or framed.
    page = read(a_coin(), source="coingecko")
    tags = [(tag, attributes.get("http-equiv")) for tag, attributes in page.tags]
    first = tags.index(("meta", "Content-Security-Policy"))
    assert [tag for tag, _ in tags[:first]] == ["html", "head", "meta"]
    content = page.tags[first][1]["content"]
    assert content is not None
    policy = dict(each.strip().split(" ", 1) for each in content.split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
