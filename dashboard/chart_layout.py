"""Chart layout: the axes of the chart, and how it is looked at."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from dashboard import written
from dashboard.model import Series, Span, visible_range
from dashboard.palette import Palette
from dashboard.words.texts import Texts
from jobs.report_number import choose_format

#: That of the page, which the hover box does not inherit.
_FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif'
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class View:
    """How the chart is to be looked at."""

    palette: Palette
    texts: Texts
    #: So many windows are shown, the newest last, unless a stretch is zoomed in on.
    last: int
    zoom: Span | None = None
    #: A finger scrolls the page, and must not be taken for a zoom.
    is_touch: bool = False


def make_layout(series: Series, view: View, span: Span) -> dict[str, Any]:
    """Lay out the axes so that a span is shown, prices and ticks as high as what is in it."""
    palette, texts = view.palette, view.texts
    prices = visible_range(series.bars, span) or (0.0, 1.0)
    shown = [bar.ticks or 0 for bar in series.bars if span.start_ms <= bar.start_ms <= span.end_ms]
    most = max(shown, default=0) or 1
    days = _days(span, series.interval_ms)
    side = {
        "side": "right",
        "gridcolor": palette.grid,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "tickfont": {"color": palette.muted},
        # Whatever a person zooms, heights follow what is shown.
        "uirevision": f"{span}",
    }
    return {
        "autosize": True,
        "showlegend": False,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": False if view.is_touch else "zoom",
        "bargap": 0,
        "barmode": "overlay",
        "separators": f"{texts.decimal}{texts.thousands}",
        "paper_bgcolor": palette.card,
        "plot_bgcolor": palette.card,
        "font": {"family": _FONT, "size": 12, "color": palette.muted},
        "margin": {"l": 4, "r": 8, "t": 8, "b": 46},
        "hoverlabel": {"bgcolor": palette.card, "bordercolor": palette.line, "font": {"color": palette.text}},
        "uirevision": f"{series.market}/{series.interval}/{view.last}",
        "xaxis": {
            "type": "date",
            "range": [span.start_ms, span.end_ms],
            "fixedrange": view.is_touch,
            "gridcolor": palette.grid,
            "linecolor": palette.line,
            "rangeslider": {"visible": False},
            "anchor": "y2",
            "hoverformat": _moment_format(series.interval_ms),
            "title": {"text": days.title, "font": {"size": 11, "color": palette.muted}, "standoff": 6},
            "tickformat": days.ticks,
            "nticks": 7,
            "tickfont": {"color": palette.muted},
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": palette.muted,
        },
        "yaxis": {**side, "domain": [0.25, 1], "range": list(prices), "nticks": 7, "tickformat": digits_of(series)},
        "yaxis2": {**side, "domain": [0, 0.19], "range": [0, most * 1.08], "nticks": 3, "tickformat": ",d"},
        "yaxis3": {**side, "overlaying": "y", "range": [0, 1], "visible": False},
    }


class _Days(NamedTuple):
    """Where the date stands: once below all, or with each day's first tick."""

    title: str
    ticks: str


def _days(span: Span, interval_ms: int) -> _Days:
    first, last = (written.moment(end)[:10] for end in span)
    if interval_ms >= 24 * _HOUR_MS:
        return _Days("UTC", "%Y-%m-%d")
    return _Days(f"{first} UTC", "%H:%M") if first == last else _Days("UTC", "%H:%M\n%Y-%m-%d")


def _moment_format(interval_ms: int) -> str:
    return "%Y-%m-%d %H:%M:%S" if interval_ms % 60_000 else "%Y-%m-%d %H:%M"


def digits_of(series: Series) -> str:
    """Say to plotly how prices are written, by the rule of the report."""
    form = choose_format(price for bar in series.bars for price in (bar.low, bar.high))
    return f".{form.mantissa}~e" if form.decimals is None else f",.{form.decimals}f"
