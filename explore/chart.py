"""Chart: plotly's figures of bars. Their ground is clear and their ink of a middle tone, for light and dark pages."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explore.measure import anomalies

UP: Final = "#0b9a69"
DOWN: Final = "#e0485a"
INK: Final = "#7a8699"
ACCENT: Final = "#4f7df3"
WARN: Final = "#e08a1e"
_GRID: Final = "rgba(128, 138, 155, 0.18)"
_CLEAR: Final = "rgba(0, 0, 0, 0)"
#: Told apart by people who see colors differently, on light and on dark.
_COLORS: Final = ("#4f7df3", "#e08a1e", "#0b9a69", "#c45bd0", "#e0485a", "#2ba8c4", "#9a8a3a", "#7a8699")
_MOST_LINES: Final = len(_COLORS)


def candles(bars: pd.DataFrame, title: str) -> go.Figure:
    """Draw candles with their bands and average, and below them how many ticks each is made of.

    Args:
        bars: of one coin, indexed by ``window_start``.
        title: above it.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.8, 0.2], vertical_spacing=0.03)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=bars.index, y=bars["bollinger_upper"], showlegend=False, **edge)
    figure.add_scatter(
        x=bars.index,
        y=bars["bollinger_lower"],
        fill="tonexty",
        fillcolor="rgba(79, 125, 243, 0.12)",
        name="Bollinger bands",
        **edge,
    )
    figure.add_scatter(x=bars.index, y=bars["sma"], mode="lines", line={"color": ACCENT, "width": 1.2}, name="average")
    figure.add_candlestick(
        x=bars.index,
        open=bars["open"],
        high=bars["high"],
        low=bars["low"],
        close=bars["close"],
        increasing={"line": {"color": UP, "width": 1.2}, "fillcolor": UP},
        decreasing={"line": {"color": DOWN, "width": 1.2}, "fillcolor": DOWN},
        name="price",
        showlegend=False,
    )
    figure.add_bar(
        x=bars.index, y=bars["tick_count"], marker={"color": INK, "opacity": 0.5}, name="ticks", row=2, col=1
    )
    figure.update_layout(xaxis_rangeslider_visible=False)
    figure.update_yaxes(title_text="ticks", row=2, col=1, nticks=3)
    return _dressed(figure, title, height=460)


def lines(table: pd.DataFrame, title: str, unit: str) -> go.Figure:
    """Draw a line for each column, the first eight at most.

    Args:
        table: indexed by time.
        title: above it.
        unit: what the numbers are.
    """
    figure = go.Figure()
    for color, name in zip(_COLORS, table.columns, strict=False):
        line = {"color": color, "width": 1.6}
        figure.add_scatter(x=table.index, y=table[name], mode="lines", line=line, name=str(name))
    if len(table.columns) > _MOST_LINES:
        title += f" ({_MOST_LINES} of {len(table.columns)} coins)"
    figure.update_yaxes(title_text=unit)
    return _dressed(figure, title)


def heatmap(table: pd.DataFrame, title: str) -> go.Figure:
    """Draw a table of correlations, -1 to 1, each with its number where there is room."""
    is_small = len(table) <= 12
    # That a coin moves with itself says nothing.
    others = table.where(~np.eye(len(table), dtype=bool))
    figure = go.Figure(
        go.Heatmap(
            z=others.to_numpy(),
            x=list(table.columns),
            y=list(table.index),
            zmin=-1,
            zmax=1,
            colorscale=[[0, DOWN], [0.5, "rgba(128, 138, 155, 0.10)"], [1, ACCENT]],
            text=others.map("{:.2f}".format).where(others.notna(), "").to_numpy() if is_small else None,
            texttemplate="%{text}" if is_small else None,
            textfont={"color": INK},
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
            xgap=2,
            ygap=2,
            colorbar={"thickness": 12, "outlinewidth": 0},
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return _dressed(figure, title, height=max(360, 110 + 26 * len(table)))


def presence(bars: pd.DataFrame, title: str) -> go.Figure:
    """Draw how many ticks each window of each coin has: what is missing stays empty, anomalies are marked."""
    counts = bars.pivot_table(index="coin_id", columns="window_start", values="tick_count", aggfunc="sum")
    # So that a window that no coin has shows as well.
    starts = pd.DatetimeIndex(counts.columns)
    if len(starts) > 1:
        step = pd.Timedelta((starts[1:] - starts[:-1]).min())
        counts = counts.reindex(columns=pd.date_range(starts[0], starts[-1], freq=step))
    figure = go.Figure(
        go.Heatmap(
            z=counts.to_numpy(),
            x=counts.columns,
            y=list(counts.index),
            zmin=0,
            zmax=counts.max().max(),
            colorscale=[[0, "rgba(79, 125, 243, 0.15)"], [1, ACCENT]],
            hovertemplate="%{y}, %{x|%Y-%m-%d %H:%M}: %{z} ticks<extra></extra>",
            ygap=2,
            colorbar={"thickness": 12, "outlinewidth": 0, "title": {"text": "ticks"}},
        )
    )
    odd = anomalies(bars)
    figure.add_scatter(
        x=odd["window_start"],
        y=odd["coin_id"],
        mode="markers",
        marker={"symbol": "diamond", "size": 9, "color": WARN, "line": {"color": "white", "width": 1}},
        customdata=odd["return_pct"],
        hovertemplate="%{y}, %{x|%Y-%m-%d %H:%M}: %{customdata:+.3f} %<extra>anomaly</extra>",
        name="anomaly",
        showlegend=True,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return _dressed(figure, title, height=max(260, 110 + 24 * len(counts)))


def indexed(table: pd.DataFrame) -> pd.DataFrame:
    """Scale each column so that its first number is 100."""
    first = table.bfill().iloc[0]
    return table / first * 100


def _dressed(figure: go.Figure, title: str, *, height: int = 360) -> go.Figure:
    axis: Mapping[str, Any] = {"gridcolor": _GRID, "zerolinecolor": _GRID, "linecolor": _GRID, "automargin": True}
    figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "xref": "paper", "font": {"size": 15}},
        height=height,
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"color": INK, "size": 12},
        colorway=list(_COLORS),
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        hovermode="closest",
        modebar={"bgcolor": _CLEAR, "color": INK, "activecolor": ACCENT},
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure
