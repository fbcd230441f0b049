"""Zoom: what a person did to the chart's time axis, as plotly tells it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dashboard.model import Span

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: A double click: all that there is.
ALL: Final = Span(0, 1 << 53)
_KEYS: Final = ("xaxis.range[0]", "xaxis.range[1]")


def read_zoom(change: Mapping[str, Any] | None, before: Span | None) -> Span | None:
    """Read a change of plotly's layout.

    Args:
        change: what plotly says.
        before: the stretch that was zoomed in on.

    Returns:
        The stretch that is now. What says nothing of time changes nothing.
    """
    if not change:
        return before
    if change.get("xaxis.autorange"):
        return ALL
    ends = [_epoch_ms(change.get(key)) for key in _KEYS]
    start, end = ends
    return Span(start, end) if start is not None and end is not None and start < end else before


def _epoch_ms(value: Any) -> int | None:
    """Read a time of plotly's: epoch milliseconds, or text such as ``2026-01-05 09:30:12.5``, in UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e16:
        return int(value)
    if not isinstance(value, str):
        return None
    whole, _, fraction = value.partition(".")
    try:
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        return None
    # Of any number of digits, which fromisoformat() does not take.
    millis = int(fraction[:3].ljust(3, "0")) if fraction.isdigit() else 0
    return (moment - _EPOCH).days * 86_400_000 + (moment - _EPOCH).seconds * 1000 + millis
