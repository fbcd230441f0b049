"""Report chart: what the page's script draws, as JSON that is safe inside a page."""

import json
import math
from typing import Any, Final

from jobs.report_model import CoinBars, Report
from jobs.report_number import choose_format, format_change, format_duration, trend_of
from jobs.report_text import plain

#: Windows to look at more closely, as far as there are more than these.
_CLOSE_LOOKS: Final = (30, 60, 120, 240)
#: Inside a script element no text may look like markup; the last two end a line in older scripts.
_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def chart_json(report: Report) -> str:
    """Serialise the bars and the words around them. The numbers are exact; times are counted in windows."""
    document = {
        "intervalMs": report.interval_ms,
        "startMs": report.start_ms,
        "endMs": report.end_ms,
        "ranges": _ranges(report),
        "coins": [_coin(coin, report) for coin in report.coins],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _ranges(report: Report) -> list[dict[str, Any]]:
    windows = (report.end_ms - report.start_ms) // report.interval_ms
    seconds = report.interval_ms // 1000
    closer = [{"label": format_duration(look * seconds), "windows": look} for look in _CLOSE_LOOKS if look < windows]
    return [*closer, {"label": "All", "windows": None}]


def _coin(coin: CoinBars, report: Report) -> dict[str, Any]:
    write = choose_format(price for bar in coin.bars for price in (bar.low, bar.high))
    change = coin.change_pct
    return {
        "name": plain(coin.coin_id),
        "currency": plain(coin.vs_currency.upper()),
        "last": write(coin.last),
        "change": format_change(change),
        "trend": trend_of(change),
        "facts": [
            ["High", write(coin.high)],
            ["Low", write(coin.low)],
            ["Ticks", f"{coin.ticks:,}"],
            ["Bars", f"{len(coin.bars):,}"],
            ["Empty windows", f"{coin.empty_windows(report.interval_ms):,}"],
        ],
        "decimals": write.decimals,
        "mantissa": write.mantissa,
        "window": [(bar.start_ms - report.start_ms) // report.interval_ms for bar in coin.bars],
        "open": [_finite(bar.open) for bar in coin.bars],
        "high": [_finite(bar.high) for bar in coin.bars],
        "low": [_finite(bar.low) for bar in coin.bars],
        "close": [_finite(bar.close) for bar in coin.bars],
        "ticks": [bar.tick_count for bar in coin.bars],
    }


def _finite(value: float) -> float | None:
    # JSON knows no NaN.
    return value if math.isfinite(value) else None
