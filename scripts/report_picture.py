"""Draw the report as a picture: an SVG of what a CSV tree holds, for documents.

``python -m scripts.report_picture .local/demo/csv`` writes ``docs/report.svg``. The same tree gives the
same bytes: nothing in the picture depends on the time or on the machine.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Annotated, Final

import pandas as pd
import typer

from jobs.report_model import MAX_COINS, MAX_WINDOWS, TILES, Bar, CoinBars
from jobs.report_number import format_duration, format_moment, format_share, trend_of
from jobs.report_sparkline import sparkline_path
from pricestream.cli import exit_code_of
from pricestream.config import load_settings
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from scripts.demo_app.results import read_bars
from scripts.report_picture_chart import card, chart, pill, price_format, text

WIDTH: Final = 1200
_EDGE: Final = 28
_TOP: Final = 186
_ROW: Final = 34
_LIST_WIDTH: Final = 532
_CHART_HEIGHT: Final = 560
#: Up to so many coins the table stands above the chart, as on the page.
_FEW: Final = 3
_LONGEST_NAME: Final = 15
_STYLE: Final = """
text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif;
fill:#131822;font-variant-numeric:tabular-nums}
.b{font-weight:650}.m,.e .count{fill:#5c677a}.s{font-size:12.5px}.r{text-anchor:end}.c{text-anchor:middle}
.card{fill:#fff;stroke:#e3e8ef}.line{stroke:#e3e8ef}.grid{stroke:#e9edf3}.chosen,.chip{fill:#e8effd}.accent{fill:#1d4ed8}
.count{font-size:24px;font-weight:650}.e .count{font-weight:500}.h{font-size:16px}
.up{fill:#0b8a5f}.down{fill:#cf2b3b}.flat{fill:#5c677a}
.pill.up{fill:#e2f5ed}.pill.down{fill:#fdebec}.pill.flat{fill:#f1f4f8}.v{opacity:.55}
.course{fill:none;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.course.up,.wick.up{stroke:#0b8a5f}.course.down,.wick.down{stroke:#cf2b3b}.course.flat{stroke:#5c677a}
"""


def read_coins(csv: Path, interval: str, order: Iterable[str] = ()) -> list[CoinBars]:
    """Read the newest 500 windows of at most 24 coins: those in ``order`` first, then by name.

    Raises:
        StorageError: there is no such tree, or no bar of this interval in it.
    """
    frame = read_bars(csv, interval)
    if frame.empty:
        raise StorageError(f"{csv}: holds no bars of {interval}; give the folder that holds interval={interval}")
    epoch = pd.Timestamp(0, tz="UTC")
    starts = pd.to_datetime(frame["window_start"], utc=True, format="ISO8601")
    frame["start_ms"] = (starts - epoch) // pd.Timedelta(milliseconds=1)
    oldest = frame["start_ms"].max() - (MAX_WINDOWS - 1) * interval_seconds(interval) * 1000
    place = {coin: number for number, coin in enumerate(order)}
    coins = [
        CoinBars(str(coin), str(currency), tuple(_bars(group)))
        for (coin, currency), group in frame[frame["start_ms"] >= oldest].groupby(["coin_id", "vs_currency"])
    ]
    coins.sort(key=lambda each: (place.get(each.coin_id, len(place)), each.coin_id, each.vs_currency))
    return coins[:MAX_COINS]


def _bars(group: pd.DataFrame) -> Iterator[Bar]:
    columns = (group[name] for name in ("start_ms", "open", "high", "low", "close", "tick_count"))
    for start, opened, high, low, close, ticks in zip(*columns, strict=True):
        yield Bar(int(start), float(opened), float(high), float(low), float(close), int(ticks))


def read_counts(status: Path) -> dict[str, int]:
    """Read how many records the job has counted; nothing where there is no status file."""
    try:
        counts: dict[str, int] = json.loads(status.read_bytes())["ticks"]
    except FileNotFoundError:
        return {}
    return counts


def draw(coins: list[CoinBars], counts: Mapping[str, int], *, interval: str, source: str) -> str:
    """Draw the picture.

    Args:
        coins: at least one; the first is the one in the chart.
        counts: how many records were read (``rows``), and what became of them; may be empty.
        interval: of the bars, e.g. ``1m``.
        source: what the prices are, for the label beside the title.

    Returns:
        An SVG document.
    """
    length_ms = interval_seconds(interval) * 1000
    start = min(coin.bars[0].start_ms for coin in coins)
    end = max(coin.bars[-1].start_ms for coin in coins) + length_ms
    list_height = 84 + _ROW * len(coins)
    if len(coins) <= _FEW:
        box = (_EDGE, _TOP + list_height + 16, WIDTH - 2 * _EDGE, _CHART_HEIGHT)
    else:
        left = _EDGE + _LIST_WIDTH + 16
        box = (left, _TOP, WIDTH - _EDGE - left, max(list_height, _CHART_HEIGHT))
    height = max(_TOP + list_height, box[1] + box[3]) + _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>pricestream report: {interval} bars of {len(coins)} coins</title>",
        f'<style>{_STYLE}</style><rect width="{WIDTH}" height="{height}" rx="14" fill="#f4f6f9"/>',
        *_header(interval, source, start, end),
        *_tiles(counts, coins),
        *_table(coins, start, end, length_ms, list_height),
        *chart(coins[0], box, start, end, length_ms),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _header(interval: str, source: str, start: int, end: int) -> Iterator[str]:
    yield '<g transform="translate(28 24) scale(1.3)"><rect class="accent" width="32" height="32" rx="8"/>'
    yield '<path d="M11 6v20M21 5v18" stroke="#fff" stroke-width="2"/>'
    yield '<path d="M8 11h6v10H8zM18 9h6v9h-6z" fill="#fff"/></g>'
    yield '<text x="84" y="43" class="b" style="font-size:21px">pricestream</text>'
    x = 240.0
    for label in (source, f"{interval} bars"):
        width = 22 + 7.6 * len(label)
        yield f'<rect class="chip" x="{x:g}" y="26" width="{width:g}" height="23" rx="11.5"/>'
        yield text(x + width / 2, 42, escape(label), "b s c accent")
        x += width + 8
    length = format_duration((end - start) // 1000)
    since, until = format_moment(start), format_moment(end)
    # The day once, where it is the same.
    until = until[11:] if since[:10] == until[:10] else until
    yield text(84, 64, f"{since} &#8211; {until} UTC ({length})", "m")


def _tiles(counts: Mapping[str, int], coins: list[CoinBars]) -> Iterator[str]:
    # A tree says nothing of records that are in no bar: without counts the tiles tell what it holds.
    bars, ticks = sum(len(coin.bars) for coin in coins), sum(coin.ticks for coin in coins)
    held = [("Coins", len(coins), "", ""), ("Bars", bars, "", "final"), ("Ticks", ticks, "", "in these bars")]
    whole = counts.get("rows", 0)
    read = [
        (name, counts.get(key, 0), format_share(counts.get(key, 0), whole) if key != "rows" else "", meaning)
        for key, name, meaning in TILES
    ]
    tiles = read if counts else held
    width = (WIDTH - 2 * _EDGE - 12 * (len(tiles) - 1)) / len(tiles)
    for number, (name, count, share, meaning) in enumerate(tiles):
        x = _EDGE + number * (width + 12)
        yield f'<g class="{"" if count else "e"}">{card(x, 86, width, 86)}'
        yield text(x + 16, 109, name, "m s b")
        beside = f'<tspan class="m s" dx="6" font-size="12.5" font-weight="400">{escape(share)}</tspan>'
        yield f'<text x="{x + 16:g}" y="137"><tspan class="count">{count:,}</tspan>{beside if count else ""}</text>'
        yield text(x + 16, 158, meaning, "m s") + "</g>"


def _table(coins: list[CoinBars], start: int, end: int, length_ms: int, height: int) -> Iterator[str]:
    width = _LIST_WIDTH if len(coins) > _FEW else WIDTH - 2 * _EDGE
    right = _EDGE + width
    yield card(_EDGE, _TOP, width, height)
    yield text(46, _TOP + 30, f'Market <tspan class="m s" dx="4">{len(coins)}</tspan>', "b h")
    yield text(46, _TOP + 58, "Coin", "m s") + text(184, _TOP + 58, "Course", "m s")
    for x, name in ((right - 186, "Last"), (right - 106, "Change"), (right - 65, "Bars"), (right - 16, "Ticks")):
        yield text(x, _TOP + 58, name, "m s r")
    for number, coin in enumerate(coins):
        y = _TOP + 70 + number * _ROW
        if number == 0:
            yield f'<rect class="chosen" x="{_EDGE + 0.5}" y="{y}" width="{width - 1}" height="{_ROW}"/>'
            yield f'<rect class="accent" x="{_EDGE}" y="{y}" width="3" height="{_ROW}"/>'
        yield f'<path class="line" d="M{_EDGE} {y}H{right}"/>'
        name = coin.coin_id if len(coin.coin_id) <= _LONGEST_NAME else f"{coin.coin_id[: _LONGEST_NAME - 1]}…"
        currency = (
            f'<tspan class="m" dx="4" font-size="11" font-weight="400">{escape(coin.vs_currency.upper())}</tspan>'
        )
        yield text(46, y + 22, f'<tspan class="b">{escape(name)}</tspan>{currency}')
        path, trend = sparkline_path(coin, start, end, length_ms), trend_of(coin.change_pct)
        yield f'<path class="course {trend}" transform="translate(184 {y + 6}) scale(.6 .7)" d="{path}"/>'
        yield text(right - 186, y + 22, price_format(coin)(coin.last), "b r")
        yield pill(right - 178, y + 6, 72, coin.change_pct)
        yield text(right - 65, y + 22, f"{len(coin.bars):,}", "m s r")
        yield text(right - 16, y + 22, f"{coin.ticks:,}", "m s r")


def main(
    csv: Annotated[Path, typer.Argument(help="The CSV tree, such as .local/demo/csv.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("docs/report.svg"),
    interval: Annotated[str, typer.Option(help="Of the bars.")] = "1m",
    source: Annotated[str, typer.Option(help="What the prices are, for the label.")] = "Simulated",
    config: Annotated[Path, typer.Option(help="The settings file, for the order of the coins.")] = Path(
        "conf/local.yaml"
    ),
) -> None:
    """Draw what a CSV tree holds; the counts are those of the status.json beside it, if there is one."""

    def work() -> None:
        coins = read_coins(csv, interval, load_settings(config).producer.coins)
        picture = draw(coins, read_counts(csv.parent / "status.json"), interval=interval, source=source)
        out.write_text(picture, encoding="utf-8")

    sys.exit(exit_code_of(work))


if __name__ == "__main__":
    typer.run(main)
