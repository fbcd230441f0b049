"""Report page: one HTML file that needs nothing else, neither a server nor the Internet.

Every text that comes from outside goes through :func:`jobs.report_text.markup` or, in the data of the charts,
through :func:`jobs.report_chart.chart_json`; the script writes texts as text, never as markup.
"""

from importlib.resources import files
from string import Template
from typing import Final

from plotly.offline import get_plotlyjs

from jobs.report_chart import chart_json
from jobs.report_model import TILES, CoinBars, Report
from jobs.report_number import choose_format, format_change, format_duration, format_moment, format_share, trend_of
from jobs.report_sparkline import HEIGHT, WIDTH, sparkline_path
from jobs.report_text import markup

_SOURCES: Final = {
    "coingecko": ("CoinGecko", 'Data from <a href="https://www.coingecko.com" rel="noopener">CoinGecko</a>'),
    "simulated": ("Simulated", "Simulated prices: a made-up market, no data of a real one"),
    "replay": ("Replay", "Recorded prices, replayed"),
}
#: Up to so many coins the table stands above the chart; a taller one beside it.
_FEW: Final = 3
_STALE: Final = ' <span class="stale" title="No fresh price for much longer than usual">stale</span>'
_TREND_MARKS: Final = {"up": "▲", "down": "▼", "flat": "■"}


def render_report(report: Report) -> str:
    """Render the page, UTF-8, about 5 MB; a few kB while there are no bars to draw."""
    chip, attribution = _SOURCES.get(report.source, (markup(report.source), f"Source: {markup(report.source)}"))
    detail = f" ({markup(report.source_detail)})" if report.source_detail else ""
    return Template(_resource("report.html")).substitute(
        css=_resource("report.css"),
        source=chip,
        interval=markup(report.interval),
        shown=_shown(report),
        tiles=_tiles(report),
        market=_market(report) if report.coins else _no_bars(report),
        omissions=_omissions(report),
        settings=_settings(report),
        attribution=attribution + detail,
        made_at=f"{format_moment(report.made_at_ms)} UTC",
        scripts=_scripts(report) if report.coins else "",
    )


def _resource(name: str) -> str:
    # Not by a path: on a cluster the package may be a zip.
    return (files("jobs") / "templates" / name).read_text(encoding="utf-8")


def _scripts(report: Report) -> str:
    data = f'<script type="application/json" id="chart-data">{chart_json(report)}</script>'
    return f"{data}\n<script>{get_plotlyjs()}</script>\n<script>{_resource('report.js')}</script>"


def _shown(report: Report) -> str:
    if not report.coins:
        return "no window has closed yet"
    start, end = format_moment(report.start_ms), format_moment(report.end_ms)
    # The day once, where it is the same.
    end = end[11:] if start[:10] == end[:10] else end
    length = format_duration((report.end_ms - report.start_ms) // 1000)
    return f"<time>{start}</time> &ndash; <time>{end}</time> UTC <span>({length})</span>"


def _tiles(report: Report) -> str:
    whole = report.counts.get("rows", 0)
    tiles = []
    for key, name, meaning in TILES:
        count = report.counts.get(key, 0)
        share = f'<span class="share">{markup(format_share(count, whole))}</span>' if key != "rows" and count else ""
        kind = f"tile {key}" + ("" if count else " none")
        tiles.append(
            f'<div class="{kind}"><dt>{name}</dt><dd><span class="count">{count:,}</span> {share}'
            f'<span class="meaning">{meaning}</span></dd></div>'
        )
    return "\n".join(tiles)


def _market(report: Report) -> str:
    rows = "\n".join(_row(index, coin, report) for index, coin in enumerate(report.coins))
    layout = "few" if len(report.coins) <= _FEW else "many"
    return Template(_resource("market.html")).substitute(rows=rows, count=f"{len(report.coins):,}", layout=layout)


def _row(index: int, coin: CoinBars, report: Report) -> str:
    write = choose_format(price for bar in coin.bars for price in (bar.low, bar.high))
    change = coin.change_pct
    trend = trend_of(change)
    name, currency = markup(coin.coin_id), markup(coin.vs_currency.upper())
    stale = _STALE if coin.is_stale else ""
    path = sparkline_path(coin, report.start_ms, report.end_ms, report.interval_ms)
    return (
        f'<tr data-coin="{index}"><th scope="row"><button type="button" title="{name}">'
        f'<bdi class="name">{name}</bdi> <span class="currency">{currency}</span>{stale}</button></th>'
        f'<td class="course"><svg viewBox="0 0 {WIDTH} {HEIGHT}" class="{trend}" aria-hidden="true">'
        f'<path d="{path}"/></svg></td>'
        f'<td class="number last">{write(coin.last)}</td>'
        f'<td class="number"><span class="change {trend}"><i aria-hidden="true">{_TREND_MARKS[trend]}</i>'
        f"{format_change(change)}</span></td>"
        f'<td class="number minor">{len(coin.bars):,}</td><td class="number minor">{coin.ticks:,}</td></tr>'
    )


def _no_bars(report: Report) -> str:
    waiting = (
        "Records have arrived, but no window has closed: that takes events later than its end by the "
        "allowed lateness and the tolerance for clocks."
        if report.counts.get("rows", 0)
        else "No record has arrived. Is the producer running, and does it write to this stream?"
    )
    return f'<section class="card empty"><h2>No bars yet</h2><p>{waiting}</p></section>'


def _omissions(report: Report) -> str:
    if not report.omissions:
        return ""
    notes = "".join(f"<li>{markup(text)}</li>" for text in report.omissions)
    return f'<ul class="omissions" aria-label="What this page leaves out">{notes}</ul>'


def _settings(report: Report) -> str:
    return "\n".join(
        f"<div><dt>{markup(name)}</dt><dd><bdi>{markup(value)}</bdi></dd></div>" for name, value in report.settings
    )
