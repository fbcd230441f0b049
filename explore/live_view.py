"""Live view: what is drawn anew every second, as small HTML.

JupyterLab's own renderer of plotly's figures leaves a figure as it was when another is put in its place. Pictures in
HTML change smoothly, in every front end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

import pandas as pd

from explore.chart import DOWN, INK, UP, candles
from jobs.report_model import Bar, CoinBars
from jobs.report_number import choose_format, format_change, trend_of
from jobs.report_sparkline import HEIGHT, WIDTH, sparkline_path
from pricestream.interval import interval_seconds

_BOX: Final = (1.0, 1.0, 918.0, 518.0)
_FONT: Final = 'system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif'
#: A page's own class names stay out of it; what color the page writes in is taken from it.
_STYLE: Final = f"""<style>
.pricestream text{{font:14px {_FONT};fill:currentColor;font-variant-numeric:tabular-nums}}
.pricestream .b{{font-weight:650}}.pricestream .m{{fill:{INK}}}.pricestream .s{{font-size:12.5px}}
.pricestream .c{{text-anchor:middle}}.pricestream .h{{font-size:16px}}
.pricestream .card{{fill:none;stroke:rgba(128,138,155,.3)}}.pricestream .grid{{stroke:rgba(128,138,155,.18)}}
.pricestream .up{{fill:{UP}}}.pricestream .down{{fill:{DOWN}}}.pricestream .flat{{fill:{INK}}}
.pricestream :is(.wick,.course).up{{stroke:{UP}}}.pricestream :is(.wick,.course).down{{stroke:{DOWN}}}
.pricestream .pill{{fill-opacity:.14}}.pricestream .v{{opacity:.55}}
.pricestream .course{{fill:none;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}}
.pricestream .course.flat{{stroke:{INK}}}.pricestream td.up{{color:{UP}}}.pricestream td.down{{color:{DOWN}}}
</style>"""


@dataclass(frozen=True)
class Html:
    """Something to see, and what a terminal shows of it."""

    page: str
    text: str

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="pricestream">{self.page}</div>'

    def __repr__(self) -> str:
        """Say it in words."""
        return self.text


def candle_card(bars: pd.DataFrame, coin_id: str, interval: str) -> object:
    """Draw one coin's candles.

    Args:
        bars: of the coin, indexed by ``window_start``; may be empty.
        coin_id: whose.
        interval: of the bars.
    """
    if bars.empty:
        waiting = f"{coin_id}, {interval}: no window has closed yet"
        return Html(f"<p>{escape(waiting)}</p>", waiting)
    try:
        from scripts.report_picture_chart import chart
    except ImportError:
        # On EMR the scripts are not there; plotly's figure comes as a page, which can be replaced.
        return candles(bars, f"{coin_id}, {interval}")
    coin = CoinBars(coin_id, str(bars["vs_currency"].iloc[0]), tuple(_bars(bars)))
    length_ms = interval_seconds(interval) * 1000
    parts = chart(coin, _BOX, coin.bars[0].start_ms, coin.bars[-1].start_ms + length_ms, length_ms)
    picture = f'<svg viewBox="0 0 920 520" style="width:100%;max-width:920px" role="img">{"".join(parts)}</svg>'
    return Html(picture, f"{coin_id}, {interval}: {len(coin.bars)} bars, the last one closed at {coin.last}")


def price_table(prices: pd.DataFrame, *, interval_ms: int) -> Html:
    """Lay out each coin's newest price, its change since the first one, and its course.

    Args:
        prices: ``coin_id``, ``vs_currency``, ``event_time``, ``price``; may be empty.
        interval_ms: how far one price is from the next, about.
    """
    if prices.empty:
        return Html("<p>No price yet</p>", "No price yet")
    times = prices.assign(at_ms=(prices["event_time"] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1))
    start_ms, end_ms = int(times["at_ms"].min()), int(times["at_ms"].max()) + interval_ms
    groups = times.groupby(["coin_id", "vs_currency"])
    coins = [CoinBars(str(coin), str(currency), tuple(_points(group))) for (coin, currency), group in groups]
    rows = "".join(_row(coin, start_ms, end_ms, interval_ms) for coin in coins)
    head = "<tr><th>coin</th><th>price</th><th>change</th><th>course</th><th>prices</th></tr>"
    said = ", ".join(f"{coin.coin_id} {coin.last:g}" for coin in coins)
    return Html(f'<table border="0"><thead>{head}</thead><tbody>{rows}</tbody></table>', said)


def _row(coin: CoinBars, start_ms: int, end_ms: int, interval_ms: int) -> str:
    write = choose_format(bar.close for bar in coin.bars)
    trend = trend_of(coin.change_pct)
    path = sparkline_path(coin, start_ms, end_ms, interval_ms)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="24"'
    picture = f'<svg {size}><path class="course {trend}" d="{path}"/></svg>'
    name = f"<b>{escape(coin.coin_id)}</b> {escape(coin.vs_currency.upper())}"
    return (
        f'<tr><td style="text-align:left">{name}</td><td>{write(coin.last)}</td>'
        f'<td class="{trend}">{format_change(coin.change_pct)}</td><td>{picture}</td><td>{len(coin.bars):,}</td></tr>'
    )


def _bars(bars: pd.DataFrame) -> Iterator[Bar]:
    starts = (pd.DatetimeIndex(bars.index) - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)
    columns = (bars[name] for name in ("open", "high", "low", "close", "tick_count"))
    for start, opened, high, low, close, ticks in zip(starts, *columns, strict=True):
        yield Bar(int(start), float(opened), float(high), float(low), float(close), int(ticks))


def _points(prices: pd.DataFrame) -> Iterator[Bar]:
    for at, price in zip(prices["at_ms"], prices["price"], strict=True):
        yield Bar(int(at), price, price, price, price, 1)
