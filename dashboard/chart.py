"""Chart: one coin's bars as a figure of plotly's. Nothing of a coin's name goes into it."""

import math
from typing import Any, Final

from dashboard.chart_layout import View, digits_of, make_layout
from dashboard.model import Bar, Series, Span

Figure = dict[str, Any]

_NOTHING: Final[Figure] = {"data": [], "layout": {}}


def make_figure(series: Series, view: View) -> Figure:
    """Draw candles with bands, ticks below them, and marks for what is odd; nothing where there are no bars."""
    if not series.bars:
        return _NOTHING
    whole = shown_span(series, len(series.bars) + len(series.gaps))
    span = shown_span(series, view.last) if view.zoom is None else _clip(view.zoom, whole)
    return {
        "data": [
            *_gaps(series, view),
            *_bands(series, view),
            _candles(series, view),
            _ticks(series, view),
            *_marks(series, view),
        ],
        "layout": make_layout(series, view, span),
    }


def shown_span(series: Series, last: int) -> Span:
    """Give the stretch that shows the last windows, with half a window of room on both sides."""
    half = series.interval_ms // 2
    newest, oldest = series.bars[-1].start_ms, series.bars[0].start_ms
    return Span(max(oldest, newest - (last - 1) * series.interval_ms) - half, newest + half)


def _clip(zoom: Span, whole: Span) -> Span:
    clipped = Span(max(zoom.start_ms, whole.start_ms), min(zoom.end_ms, whole.end_ms))
    return clipped if clipped.start_ms < clipped.end_ms else zoom


def _starts(bars: tuple[Bar, ...]) -> list[int]:
    return [bar.start_ms for bar in bars]


def _candles(series: Series, view: View) -> dict[str, Any]:
    texts, bars = view.texts, series.bars
    # Two places without a bar, one window apart, tell plotly how wide a candle is: it takes the smallest distance
    # that it finds, and where bars are rare that would be too much.
    ends = [bars[0].start_ms - 2 * series.interval_ms, bars[0].start_ms - series.interval_ms]
    values: dict[str, list[float | None]] = {
        "open": [_finite(bar.open) for bar in bars],
        "high": [_finite(bar.high) for bar in bars],
        "low": [_finite(bar.low) for bar in bars],
        "close": [_finite(bar.close) for bar in bars],
    }
    digits = digits_of(series)
    names = zip(values, (texts.open, texts.high, texts.low, texts.close), strict=True)
    return {
        "type": "candlestick",
        "x": [*_starts(bars), *ends],
        **{name: [*prices, None, None] for name, prices in values.items()},
        "increasing": _painted(view.palette.up),
        "decreasing": _painted(view.palette.down),
        "whiskerwidth": 0,
        "hovertemplate": "<br>".join(f"{text} %{{{name}:{digits}}}" for name, text in names) + "<extra></extra>",
    }


def _painted(color: str) -> dict[str, Any]:
    return {"line": {"color": color, "width": 1}, "fillcolor": color}


def _bands(series: Series, view: View) -> list[dict[str, Any]]:
    bars, palette, digits = series.bars, view.palette, digits_of(series)
    common = {"type": "scatter", "mode": "lines", "x": _starts(bars), "connectgaps": False}
    edge = {"color": palette.accent, "width": 0.8, "dash": "dot"}
    lower = [_finite(bar.lower) for bar in bars]
    upper = [_finite(bar.upper) for bar in bars]
    said = f"{view.texts.bands} %{{customdata:{digits}}} {view.texts.to} %{{y:{digits}}}<extra></extra>"
    return [
        {**common, "y": lower, "line": edge, "hoverinfo": "skip"},
        {
            **common,
            "y": upper,
            "line": edge,
            "fill": "tonexty",
            "fillcolor": palette.band,
            "customdata": lower,
            "hovertemplate": said,
        },
        {
            **common,
            "y": [_finite(bar.sma) for bar in bars],
            "line": {"color": palette.accent, "width": 1.2},
            "hovertemplate": f"{view.texts.average} %{{y:{digits}}}<extra></extra>",
        },
    ]


def _ticks(series: Series, view: View) -> dict[str, Any]:
    palette = view.palette
    return {
        "type": "bar",
        "x": _starts(series.bars),
        "y": [bar.ticks for bar in series.bars],
        "width": series.interval_ms * 0.7,
        "marker": {
            "color": [palette.up if bar.close >= bar.open else palette.down for bar in series.bars],
            "line": {"width": 0},
        },
        "opacity": 0.55,
        "yaxis": "y2",
        "hovertemplate": f"{view.texts.ticks} %{{y:,d}}<extra></extra>",
    }


def _gaps(series: Series, view: View) -> list[dict[str, Any]]:
    if not series.gaps:
        return []
    return [
        {
            "type": "bar",
            "x": list(series.gaps),
            "y": [1] * len(series.gaps),
            "width": series.interval_ms,
            "marker": {"color": view.palette.gap, "line": {"width": 0}},
            "yaxis": "y3",
            "hovertemplate": f"{view.texts.gap}<extra></extra>",
        }
    ]


def _marks(series: Series, view: View) -> list[dict[str, Any]]:
    room = max((bar.high - bar.low for bar in series.bars), default=0) * 0.15
    above = [(bar.start_ms, bar.high + room) for bar in series.bars if bar.is_anomaly]
    below = [(bar.start_ms, bar.low - room) for bar in series.bars if bar.is_stale]
    symbols = (
        (above, {"symbol": "triangle-down", "size": 9, "color": view.palette.warn}, view.texts.anomaly),
        (below, {"symbol": "circle-open", "size": 7, "color": view.palette.muted}, view.texts.chart_stale),
    )
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [at for at, _ in points],
            "y": [_finite(price) for _, price in points],
            "marker": marker,
            "hovertemplate": f"{name}<extra></extra>",
        }
        for points, marker, name in symbols
        if points
    ]


def _finite(value: float | None) -> float | None:
    # JSON knows no NaN.
    return value if value is not None and math.isfinite(value) else None
