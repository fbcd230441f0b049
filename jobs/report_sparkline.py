"""Report sparkline: the course of a price as a small picture, gaps included."""

import math
from typing import Final

from jobs.report_model import CoinBars

WIDTH: Final = 120
HEIGHT: Final = 32
#: So many closes at most; more would only blur at this width.
_POINTS: Final = 60
#: Keeps the line's thickness inside the picture.
_MARGIN: Final = 2.0


def sparkline_path(coin: CoinBars, start_ms: int, end_ms: int, interval_ms: int) -> str:
    """Draw the closes between two times as the ``d`` of an SVG path of ``WIDTH`` x ``HEIGHT``.

    The range is cut into at most 60 parts of whole windows; each shows its last close, and the line
    breaks where a part has none.
    """
    windows = max(1, (end_ms - start_ms) // interval_ms)
    per_part = math.ceil(windows / _POINTS)
    parts = math.ceil(windows / per_part)
    closes = {
        (bar.start_ms - start_ms) // interval_ms // per_part: bar.close for bar in coin.bars if math.isfinite(bar.close)
    }
    if not closes:
        return ""
    low, high = min(closes.values()), max(closes.values())
    steps: list[str] = []
    for part, close in sorted(closes.items()):
        # The middle of the part, as the candle stands in the middle of its window.
        x = (part + 0.5) / parts * WIDTH
        rise = (close - low) / (high - low) if high > low else 0.5
        y = HEIGHT - _MARGIN - rise * (HEIGHT - 2 * _MARGIN)
        point = f"{x:.1f} {y:.1f}"
        # A part without neighbours becomes a dot: a line of no length with a round cap.
        steps.append(f"L{point}" if part - 1 in closes else f"M{point}L{point}")
    return "".join(steps)
