"""The report's chart as a part of an SVG: candles above, ticks in each window below."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Final

from jobs.report_model import Bar, CoinBars
from jobs.report_number import PriceFormat, choose_format, format_change, trend_of

#: Left, top, width and height of the card.
Box = tuple[float, float, float, float]

_HEAD: Final = 112
_FOOT: Final = 40
_LABELS: Final = 86
_VOLUME: Final = 88
_SPACE: Final = 26
_MINUTE_MS: Final = 60_000
_STEPS_IN_MINUTES: Final = (1, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10_080, 43_200)


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """Place text that is markup already: what comes from outside is escaped before."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{content}</text>'


def card(x: float, y: float, width: float, height: float) -> str:
    """Draw the white ground of a part."""
    return f'<rect class="card" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="13"/>'


def pill(x: float, y: float, width: float, change: float | None) -> str:
    """Draw a change in percent on its coloured ground."""
    trend = trend_of(change)
    rect = f'<rect class="pill {trend}" x="{x:g}" y="{y:g}" width="{width:g}" height="22" rx="6"/>'
    return rect + text(x + width / 2, y + 16, format_change(change), f"b s c {trend}")


def price_format(coin: CoinBars) -> PriceFormat:
    """Choose how to write the prices of a coin."""
    return choose_format(price for bar in coin.bars for price in (bar.low, bar.high))


def chart(coin: CoinBars, box: Box, start: int, end: int, length_ms: int) -> Iterator[str]:
    """Draw one coin's bars.

    Args:
        coin: whose.
        box: where.
        start: left end of the axis, epoch ms.
        end: right end of the axis, epoch ms.
        length_ms: length of a window.
    """
    x, y, width, height = box
    yield card(*box)
    yield from _head(coin, x + 18, y, length_ms)
    left, right = x + 24, x + width - _LABELS
    top, floor = y + _HEAD, y + height - _FOOT
    bottom = floor - _VOLUME - _SPACE
    yield from _time_grid(start, end, (left, right), (top, bottom, floor))
    yield from _candles(coin, (left, right), (top, bottom), (start, end), length_ms)
    yield from _volume(coin, (left, right), floor, (start, end), length_ms)


def _head(coin: CoinBars, x: float, y: float, length_ms: int) -> Iterator[str]:
    write = price_format(coin)
    currency = f'<tspan class="m" dx="4" font-size="12" font-weight="400">{escape(coin.vs_currency.upper())}</tspan>'
    yield text(x, y + 30, f"{escape(coin.coin_id)}{currency}", "b h")
    last = write(coin.last)
    yield f'<text x="{x:g}" y="{y + 62:g}" class="b" style="font-size:27px">{last}</text>'
    yield pill(x + 22 + 16.5 * len(last), y + 42, 72, coin.change_pct)
    facts = (
        ("High", write(coin.high)),
        ("Low", write(coin.low)),
        ("Ticks", f"{coin.ticks:,}"),
        ("Bars", f"{len(coin.bars):,}"),
        ("Empty windows", f"{coin.empty_windows(length_ms):,}"),
    )
    spans = "".join(
        f'<tspan class="m" dx="{14 if number else 0}">{name}</tspan><tspan class="b" dx="5">{value}</tspan>'
        for number, (name, value) in enumerate(facts)
    )
    yield text(x, y + 90, spans)


def _time_grid(start: int, end: int, across: tuple[float, float], down: tuple[float, float, float]) -> Iterator[str]:
    (left, right), (top, bottom, floor) = across, down
    step = next((each for each in _STEPS_IN_MINUTES if (end - start) / (each * _MINUTE_MS) <= 7), 129_600) * _MINUTE_MS
    for moment in range(-(-start // step) * step, end + 1, step):
        x = left + (moment - start) / (end - start) * (right - left)
        yield f'<path class="grid" d="M{x:.1f} {top:g}V{bottom:g}M{x:.1f} {floor - _VOLUME:g}V{floor:g}"/>'
        form = "%m-%d" if step >= 1440 * _MINUTE_MS else "%H:%M"
        yield text(round(x, 1), floor + 20, datetime.fromtimestamp(moment / 1000, UTC).strftime(form), "m s c")


def _candles(
    coin: CoinBars, across: tuple[float, float], down: tuple[float, float], span: tuple[int, int], length_ms: int
) -> Iterator[str]:
    low, high = coin.low, coin.high
    room = (high - low) * 0.04 or high * 0.01
    low, high = low - room, high + room
    top, bottom = down

    def height_of(price: float) -> float:
        return bottom - (price - low) / (high - low) * (bottom - top)

    step = _round_step((high - low) / 9)
    decimals = max(0, -math.floor(math.log10(step)))
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        price, y = number * step, height_of(number * step)
        label = f"{price:,.{decimals}f}" if decimals <= 10 else f"{price:.3e}"
        yield f'<path class="grid" d="M{across[0]:g} {y:.1f}H{across[1]:g}"/>'
        yield text(across[1] + 8, round(y + 4, 1), label, "m s")
    for trend in ("down", "up"):
        bars = [bar for bar in coin.bars if ("up" if bar.close >= bar.open else "down") == trend]
        places = [(*_place(bar, across, span, length_ms), bar) for bar in bars]
        wicks = "".join(f"M{x + w / 2:.1f} {height_of(bar.high):.1f}V{height_of(bar.low):.1f}" for x, w, bar in places)
        bodies = "".join(_body(x, w, height_of(bar.open), height_of(bar.close)) for x, w, bar in places)
        yield f'<path class="wick {trend}" d="{wicks}"/><path class="{trend}" d="{bodies}"/>'


def _body(x: float, width: float, opened: float, closed: float) -> str:
    # A price that did not move is still a line.
    y, height = min(opened, closed), max(abs(opened - closed), 1)
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def _volume(
    coin: CoinBars, across: tuple[float, float], floor: float, span: tuple[int, int], length_ms: int
) -> Iterator[str]:
    most = max(bar.tick_count for bar in coin.bars)
    left, right, top = *across, floor - _VOLUME
    yield f'<path class="grid" d="M{left:g} {top:g}H{right:g}M{left:g} {floor:g}H{right:g}"/>'
    yield text(right + 8, top + 4, f"{most:,} ticks", "m s") + text(right + 8, floor + 4, "0", "m s")
    for trend in ("down", "up"):
        bars = [bar for bar in coin.bars if ("up" if bar.close >= bar.open else "down") == trend]
        columns = ""
        for bar in bars:
            x, width = _place(bar, across, span, length_ms)
            height = bar.tick_count / most * _VOLUME
            columns += f"M{x:.1f} {floor:g}v-{height:.1f}h{width:.1f}v{height:.1f}z"
        yield f'<path class="{trend} v" d="{columns}"/>'


def _place(bar: Bar, across: tuple[float, float], span: tuple[int, int], length_ms: int) -> tuple[float, float]:
    """Give the left end and the width of a candle: most of its window's width."""
    scale = (across[1] - across[0]) / (span[1] - span[0])
    width = length_ms * scale * 0.72
    return across[0] + (bar.start_ms - span[0] + length_ms * 0.14) * scale, width


def _round_step(least: float) -> float:
    """Give the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9)))
