"""Parts: the pieces of the page as Dash's components. What comes from outside is text in them, never markup."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from dash import html

from dashboard import written
from dashboard.address import LOOKS, SORTS, Choice
from dashboard.attributes import aria, data
from dashboard.health import Tile
from dashboard.listing import Page
from dashboard.model import Bar, CoinRow, Market, Series
from dashboard.words.texts import Texts
from jobs.report_model import Bar as PlainBar
from jobs.report_model import CoinBars
from jobs.report_number import trend_of
from jobs.report_sparkline import HEIGHT, WIDTH, sparkline_path
from jobs.report_text import plain

_TREND_MARKS: Final = {"up": "▲", "down": "▼", "flat": "■"}
_LAST_BARS: Final = 15


def health_tiles(tiles: Sequence[Tile]) -> list[html.Div]:
    """Lay out tiles, for a ``dl``."""
    return [
        html.Div(
            [
                html.Dt(tile.label),
                html.Dd([html.Span(tile.value, className="count"), html.Span(tile.hint, className="meaning")]),
            ],
            className=f"tile {tile.kind}",
            id=f"tile-{tile.name}",
            title=tile.more or tile.hint,
        )
        for tile in tiles
    ]


def coin_links(page: Page, choice: Choice, texts: Texts) -> list[html.Li]:
    """Lay out a page of the list: one link a coin, of which one takes the tab key and the arrow keys reach all."""
    chosen = Market(choice.coin_id or "", choice.vs_currency or "")
    is_here = any(row.market == chosen for row in page.rows)
    return [
        html.Li(
            _coin_link(
                row,
                choice,
                texts,
                is_chosen=row.market == chosen,
                takes_tab=row.market == chosen or (at == 0 and not is_here),
            ),
            key="/".join(row.market),
        )
        for at, row in enumerate(page.rows)
    ]


def _coin_link(row: CoinRow, choice: Choice, texts: Texts, *, is_chosen: bool, takes_tab: bool) -> html.A:
    coin, currency = plain(row.market.coin_id), plain(row.market.vs_currency.upper())
    price = written.price_writer([row.last], texts)(row.last)
    change = written.change(row.change_pct, texts)
    label = texts.row_label.format(coin=coin, currency=currency, price=price, change=change)
    stale = [html.Span(texts.stale, className="stale")] if row.is_stale else []
    return html.A(
        [
            html.Span(
                [html.Bdi(coin, className="name"), html.Span([currency, *stale], className="currency")], className="who"
            ),
            _sparkline(row),
            html.Span([html.Span(price, className="last"), change_mark(row.change_pct, texts)], className="numbers"),
        ],
        href=choice.but(coin_id=row.market.coin_id, vs_currency=row.market.vs_currency),
        className="coin go",
        title=f"{coin} {currency}",
        tabIndex=0 if takes_tab else -1,
        **aria(label=f"{label}, {texts.stale}" if row.is_stale else label),
        **data(name="/".join(row.market)),
        **_current(is_chosen),
    )


def change_mark(percent: float | None, texts: Texts) -> html.Span:
    """Write a change, with a sign for those who see no colors."""
    trend = trend_of(percent)
    mark = html.I(_TREND_MARKS[trend], **aria(hidden="true"))
    return html.Span([mark, written.change(percent, texts)], className=f"change {trend}")


def _sparkline(row: CoinRow) -> html.Span:
    points = tuple(
        PlainBar(at, close, close, close, close, 0) for at, close in enumerate(row.course) if close is not None
    )
    path = sparkline_path(CoinBars(*row.market, points), 0, len(row.course), 1) if points else ""
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none'>"
        f"<path d='{path}' fill='none' stroke='black' stroke-width='2.4' stroke-linecap='round' "
        f"stroke-linejoin='round'/></svg>"
    )
    # As a mask, so that the style sheet colors it.
    image = f'url("data:image/svg+xml,{quote(drawing)}")'
    style = {"maskImage": image, "WebkitMaskImage": image}
    return html.Span(className=f"course {trend_of(row.change_pct)}", style=style, **aria(hidden="true"))


def sort_links(choice: Choice, texts: Texts) -> list[html.A]:
    """Lay out the orders of the list."""
    return [_choice_link(texts.sorts[each], choice.but(sort=each, page=1), each == choice.sort) for each in SORTS]


def interval_links(intervals: Sequence[str], choice: Choice) -> list[html.A]:
    """Lay out the intervals."""
    return [_choice_link(each, choice.but(interval=each), each == choice.interval) for each in intervals]


def look_links(choice: Choice, texts: Texts) -> list[html.A]:
    """Lay out how many windows the chart may show."""
    names = {look: (str(look), texts.windows.format(count=look)) for look in LOOKS[:-1]}
    names[LOOKS[-1]] = texts.all_windows, texts.all_windows
    return [
        _choice_link(text, choice.but(last=look), look == choice.last, title) for look, (text, title) in names.items()
    ]


def _choice_link(text: str, href: str, is_chosen: bool, title: str | None = None) -> html.A:
    return html.A(text, href=href, className="go", title=title, **_current(is_chosen))


def pager(page: Page, choice: Choice, texts: Texts) -> list[Any]:
    """Lay out the way through the pages of the list."""
    last = page.first + len(page.rows) - 1
    found = texts.found.format(
        first=written.count(page.first, texts), last=written.count(last, texts), found=written.count(page.found, texts)
    )
    if not page.rows:
        found = texts.none_found
    links: list[Any] = [html.Span(found, role="status")]
    if page.pages > 1:
        links = [
            _step(texts.previous, choice, page.number - 1, page.pages),
            *links,
            _step(texts.following, choice, page.number + 1, page.pages),
        ]
    return links


def _step(text: str, choice: Choice, number: int, pages: int) -> html.A | html.Span:
    if 1 <= number <= pages:
        return html.A(text, href=choice.but(page=number), className="go")
    return html.Span(text, className="off", **aria(disabled="true"))


def heading(series: Series, texts: Texts) -> list[Any]:
    """Lay out what stands above the chart: whose it is, the last price, and the facts of the bars that are read."""
    coin, currency = plain(series.market.coin_id), plain(series.market.vs_currency.upper())
    title = html.H2([html.Bdi(coin), " ", html.Span(currency, className="currency")], id="chart-name")
    if not series.bars:
        return [title]
    write = written.price_writer([price for bar in series.bars for price in (bar.low, bar.high)], texts)
    last = series.bars[-1]
    price = html.Div(
        [html.Span(write(last.close), id="chart-last"), change_mark(series.change_pct, texts)], className="price"
    )
    ticks = [bar.ticks for bar in series.bars if bar.ticks is not None]
    facts = (
        (texts.high, write(max(bar.high for bar in series.bars))),
        (texts.low, write(min(bar.low for bar in series.bars))),
        (texts.ticks, written.count(sum(ticks), texts) if ticks else written.count(None, texts)),
        (texts.bars, written.count(len(series.bars), texts)),
        (texts.gaps, written.count(len(series.gaps), texts)),
    )
    rows = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts]
    return [title, price, html.Dl(rows, className="facts")]


def chart_label(series: Series, texts: Texts) -> str:
    """Say in a sentence what the chart shows, for those who do not see it."""
    write = written.price_writer([bar.close for bar in series.bars], texts)
    return texts.chart_label.format(
        coin=plain(series.market.coin_id),
        currency=plain(series.market.vs_currency.upper()),
        interval=series.interval,
        price=write(series.bars[-1].close if series.bars else None),
        change=written.change(series.change_pct, texts),
        count=written.count(len(series.bars), texts),
    )


def bars_table(series: Series, texts: Texts) -> html.Table:
    """Lay out the last bars, the newest first."""
    bars = series.bars[: -_LAST_BARS - 1 : -1]
    write = written.price_writer([price for bar in bars for price in (bar.low, bar.high)], texts)
    names = (texts.window, texts.open, texts.high, texts.low, texts.close, texts.ticks, texts.marks)
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in names]))
    rows = [
        html.Tr(
            [
                html.Th(written.moment(bar.start_ms), scope="row"),
                *(html.Td(write(price)) for price in (bar.open, bar.high, bar.low, bar.close)),
                html.Td(written.count(bar.ticks, texts)),
                html.Td(_marks_of(bar, texts)),
            ],
            key=str(bar.start_ms),
        )
        for bar in bars
    ]
    return html.Table([head, html.Tbody(rows)])


def _marks_of(bar: Bar, texts: Texts) -> str:
    marks = [name for name, is_set in ((texts.anomaly, bar.is_anomaly), (texts.chart_stale, bar.is_stale)) if is_set]
    return ", ".join(marks)


def legend(series: Series, texts: Texts) -> list[html.Span]:
    """Name what is drawn, as far as it is."""
    bars = series.bars
    drawn = (
        ("average", texts.average, any(bar.sma is not None for bar in bars)),
        ("bands", texts.bands, any(bar.lower is not None for bar in bars)),
        ("anomaly", texts.anomaly, any(bar.is_anomaly for bar in bars)),
        ("not-fresh", texts.chart_stale, any(bar.is_stale for bar in bars)),
        ("gap", texts.gap, bool(series.gaps)),
    )
    return [html.Span(text, className=f"key {name}") for name, text, is_drawn in drawn if is_drawn]


def empty_note(title: str, hint: str) -> list[Any]:
    """Lay out why there is nothing to see."""
    return [html.H2(title), html.P(hint)]


def no_bars(series: Series, texts: Texts) -> list[Any]:
    """Lay out that a coin has no bars here, while others have."""
    coin, currency = plain(series.market.coin_id), plain(series.market.vs_currency.upper())
    hint = texts.no_series_hint.format(currency=currency, interval=series.interval)
    return empty_note(texts.no_series.format(coin=coin), hint)


def _current(is_chosen: bool) -> Any:
    return aria(current="true") if is_chosen else {}
