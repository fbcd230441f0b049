"""Page: the Dash application, and what it does when something changes."""

from collections.abc import Mapping
from typing import Any

import flask
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from dashboard import address, parts, written
from dashboard.chart import make_figure
from dashboard.chart_layout import View
from dashboard.feed import Feed
from dashboard.guard import guard
from dashboard.health import make_tiles
from dashboard.layout import make_layout
from dashboard.listing import make_page
from dashboard.model import Market, Span
from dashboard.palette import DARK, LIGHT
from dashboard.words import LANGUAGES, choose_language
from dashboard.words.texts import Texts
from dashboard.zoom import read_zoom

#: The same name whatever the port, so that the next start remembers it.
LANGUAGE_COOKIE = "pricestream_language"


def make_app(feed: Feed, hosts: tuple[str, ...]) -> Dash:
    """Put the page together.

    Args:
        feed: where everything comes from.
        hosts: the names by which the page may be asked for; empty for any address.
    """
    app = _LocalDash(
        __name__,
        title="pricestream",
        update_title="",
        serve_locally=True,
        add_log_handler=False,
        enable_mcp=False,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "color-scheme", "content": "light dark"},
        ],
    )
    app.layout = lambda: make_layout(texts_of_request(), feed.every_seconds)
    _Callbacks(feed).register(app)
    guard(app, hosts)
    return app


def texts_of_request() -> Texts:
    """The texts of the language that this request's person reads."""
    # Dash lays the page out once at its start, to know its parts.
    if not flask.has_request_context():
        return LANGUAGES["en"]
    request = flask.request
    return choose_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language"))


class _LocalDash(Dash):
    """Dash, in the language of the request."""

    def interpolate_index(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Name the page's language and title."""
        texts = texts_of_request()
        whole: str = super().interpolate_index(**{**kwargs, "title": texts.title})  # type: ignore[no-untyped-call]
        return whole.replace("<html>", f'<html lang="{texts.language}">', 1)


class _Callbacks:
    """What the page asks of the server."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def register(self, app: Dash) -> None:
        """Tell Dash what hangs on what."""
        app.clientside_callback(  # type: ignore[no-untyped-call]
            ClientsideFunction("page", "client"), Output("client", "data"), Input("place", "pathname")
        )
        app.callback(
            Output("seen", "data"),
            Output("health", "children"),
            Output("notice", "children"),
            Output("alive", "children"),
            Input("tick", "n_intervals"),
            State("seen", "data"),
        )(self.look)
        app.callback(
            Output("coins", "children"),
            Output("pager", "children"),
            Output("sort", "children"),
            Output("over", "children"),
            Output("market", "hidden"),
            Output("empty", "hidden"),
            Input("seen", "data"),
            Input("place", "search"),
            Input("search", "value"),
            prevent_initial_call=True,
        )(self.show_list)
        app.callback(
            Output("zoom", "data"),
            Input("chart", "relayoutData"),
            Input("place", "search"),
            State("zoom", "data"),
            prevent_initial_call=True,
        )(self.keep_zoom)
        app.callback(
            Output("chart", "figure"),
            Output("chart-box", "aria-label"),
            Output("heading", "children"),
            Output("intervals", "children"),
            Output("looks", "children"),
            Output("legend", "children"),
            Output("bars", "children"),
            Output("none", "children"),
            Output("drawn", "hidden"),
            Output("none", "hidden"),
            Input("seen", "data"),
            Input("place", "search"),
            Input("zoom", "data"),
            Input("client", "data"),
            prevent_initial_call=True,
        )(self.show_chart)

    def look(self, _ticks: int | None, seen: str | None) -> tuple[Any, ...]:
        """See whether anything is new. The age of the status is, every time."""
        texts = texts_of_request()
        glimpse = self._feed.look()
        now_ms = self._feed.now_ms()
        notices = [texts.problem.format(reason=glimpse.problem)] if glimpse.problem else []
        if glimpse.unreadable:
            notices.append(texts.unreadable.format(count=written.count(glimpse.unreadable, texts)))
        return (
            glimpse.token if glimpse.token != seen else no_update,
            parts.health_tiles(make_tiles(glimpse.status, now_ms, texts)),
            [html.P(each, className="notice") for each in notices],
            str(now_ms),
        )

    def show_list(self, _seen: str | None, query: str | None, text: str | None) -> tuple[Any, ...]:
        """Lay out the list."""
        texts = texts_of_request()
        overview = self._feed.overview()
        choice = self._settle(query)
        page = make_page(overview.rows, text=text, sort=choice.sort, number=choice.page, listed=self._feed.listed)
        span = overview.span
        over = texts.change_over.format(time=written.duration(span.end_ms - span.start_ms, texts))
        has_any = bool(overview.rows)
        return (
            parts.coin_links(page, choice, texts),
            parts.pager(page, choice, texts),
            parts.sort_links(choice, texts),
            over,
            not has_any,
            has_any,
        )

    def keep_zoom(self, change: Mapping[str, Any] | None, _query: str | None, before: list[int] | None) -> Any:
        """Take in a zoom; another choice begins with none."""
        if ctx.triggered_id == "place":
            return None
        zoom = read_zoom(change, Span(*before) if before else None)
        now = list(zoom) if zoom else None
        return no_update if now == before else now

    def show_chart(
        self, _seen: str | None, query: str | None, zoom: list[int] | None, client: Mapping[str, Any] | None
    ) -> tuple[Any, ...]:
        """Draw the chosen coin."""
        texts = texts_of_request()
        choice = self._settle(query)
        if choice.interval is None or client is None:
            return (no_update,) * 10
        market = Market(choice.coin_id or "", choice.vs_currency or "")
        series = self._feed.series(market, choice.interval)
        if series is None:
            return (no_update,) * 10
        is_dark, is_touch = bool(client.get("dark")), bool(client.get("touch"))
        view = View(DARK if is_dark else LIGHT, texts, choice.last, Span(*zoom) if zoom else None, is_touch=is_touch)
        return (
            make_figure(series, view),
            parts.chart_label(series, texts),
            parts.heading(series, texts),
            parts.interval_links(self._feed.lake.intervals, choice),
            parts.look_links(choice, texts),
            parts.legend(series, texts),
            parts.bars_table(series, texts),
            parts.no_bars(series, texts),
            not series.bars,
            bool(series.bars),
        )

    def _settle(self, query: str | None) -> address.Choice:
        overview = self._feed.overview()
        choice = address.read(query)
        listed = make_page(overview.rows, text=None, sort="listed", number=1, listed=self._feed.listed)
        return address.settle(choice, tuple(row.market for row in listed.rows), self._feed.lake.intervals)
