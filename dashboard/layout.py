"""Layout: the page as it is before anything is filled in."""

from typing import Any

from dash import dcc, html

from dashboard import parts
from dashboard.attributes import aria, data
from dashboard.words import LANGUAGES
from dashboard.words.texts import Texts

#: Plotly's own buttons and gestures; heights follow what is shown, and a double click shows all.
_GRAPH_CONFIG: Any = {"displayModeBar": False, "doubleClick": "autosize", "displaylogo": False, "scrollZoom": False}


def make_layout(texts: Texts, every_seconds: float) -> html.Div:
    """Lay out the page in a language; it asks for news every so many seconds."""
    return html.Div(
        [
            dcc.Location(id="place", refresh=False),
            dcc.Interval(id="tick", interval=int(every_seconds * 1000)),
            dcc.Store(id="seen"),
            dcc.Store(id="zoom"),
            dcc.Store(id="client"),
            html.A(texts.skip, href="#chart-card", className="skip"),
            _header(texts),
            html.P(texts.lost, id="lost", className="notice bad", role="alert", hidden=True),
            html.Div(id="notice", role="status"),
            html.Main(
                [
                    html.Section(html.Dl(id="health", className="tiles"), **aria(label=texts.health)),
                    html.Div([_coins(texts), _chart(texts)], id="market", className="market"),
                    html.Section(
                        parts.empty_note(texts.empty, texts.empty_hint), id="empty", className="card empty", hidden=True
                    ),
                ]
            ),
            html.Footer([html.Span(texts.attribution), html.Span(id="alive", hidden=True)]),
        ],
        id="page",
    )


def _header(texts: Texts) -> html.Header:
    buttons = [
        html.Button(
            name.upper(),
            className="language",
            type="button",
            lang=name,
            **data(language=name),
            **aria(pressed=str(name == texts.language).lower()),
        )
        for name in LANGUAGES
    ]
    languages = html.Div(buttons, className="ranges", role="group", **aria(label=texts.language_label))
    return html.Header(
        [
            html.Div(className="logo", **aria(hidden="true")),
            html.H1(["pricestream ", html.Span(texts.live, className="chip")]),
            languages,
        ]
    )


def _coins(texts: Texts) -> html.Section:
    search = dcc.Input(
        id="search", type="search", debounce=0.2, placeholder=texts.search_hint, value="", className="search"
    )
    head = html.Div(
        [
            html.H2([texts.coins, " ", html.Span(id="over", className="currency")]),
            html.Label([html.Span(texts.search, className="unseen"), search], className="search-label"),
            _links("sort", texts.sort),
        ],
        className="coins-head",
    )
    return html.Section(
        [
            head,
            html.Ul(id="coins", **aria(label=texts.coins, describedby="list-hint")),
            html.Nav(id="pager", **aria(label=texts.pages)),
            html.P(texts.list_hint, id="list-hint", className="hint for-mouse"),
        ],
        className="card coins",
        **aria(label=texts.coins),
    )


def _chart(texts: Texts) -> html.Section:
    return html.Section(
        [
            html.Div(
                [
                    html.Div(id="heading", className="heading"),
                    html.Div([_links("intervals", texts.interval), _links("looks", texts.shown)], className="controls"),
                ],
                className="chart-head",
            ),
            html.Div(
                [
                    html.Div(dcc.Graph(id="chart", config=_GRAPH_CONFIG, responsive=True), id="chart-box", role="img"),
                    html.P(
                        [html.Span(id="legend"), html.Span(texts.zoom_hint, className="for-mouse")], className="hint"
                    ),
                    html.Details([html.Summary(texts.last_bars), html.Div(id="bars", className="bars")]),
                ],
                id="drawn",
            ),
            html.Div(id="none", className="empty", hidden=True),
        ],
        id="chart-card",
        className="card chart",
        tabIndex=-1,
        **aria(labelledby="chart-name"),
    )


def _links(name: str, label: str) -> html.Nav:
    return html.Nav(id=name, className="ranges", **aria(label=label))
