"""Report numbers: prices from 1e-15 to 1e9, changes, times and durations as a person reads them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: What stands for no number: an en dash.
MISSING: Final = "\u2013"
_MINUS: Final = "\u2212"
_TIMES: Final = "\u00d7"
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: A double has 15 decimal digits that can be relied on.
_DIGITS_OF_A_DOUBLE: Final = 15
_SIGNIFICANT: Final = 6
#: Below the one and from the other on, a power of ten is easier to read than zeros.
_SMALLEST_PLAIN: Final = 1e-6
_LARGEST_PLAIN: Final = 1e12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PriceFormat:
    """How to write the prices of one coin, so that they line up. The page's script follows the same rule."""

    #: Digits behind the point; None writes every price with a power of ten.
    decimals: int | None
    #: Digits behind the point of the factor before a power of ten.
    mantissa: int = _SIGNIFICANT - 1

    def __call__(self, price: float) -> str:
        """Write a price: ``67,123.45``, ``0.00002471``, ``1.00000x10⁻¹⁵``, with the proper sign."""
        if not math.isfinite(price):
            return MISSING
        size = abs(price)
        # With fewer than three digits left, a price far below its coin's others would lose its meaning.
        is_lost = self.decimals is not None and 0 < size < 100 * 10.0**-self.decimals
        if self.decimals is None or size >= _LARGEST_PLAIN or (is_lost and size < 1):
            return _with_power(price, self.mantissa)
        return f"{price:,.{self.decimals}f}"


def choose_format(prices: Iterable[float]) -> PriceFormat:
    """Choose the digits that tell the prices of one coin apart.

    Six significant digits of the highest price, and more where all prices lie so close together
    that a hundredth of their spread would not show; never more than a double holds.
    """
    known = [abs(price) for price in prices if math.isfinite(price)]
    top = max(known, default=0.0)
    if not top:
        return PriceFormat(decimals=2)
    magnitude, spread = _magnitude(top), top - min(known)
    places = _SIGNIFICANT - 1 - magnitude
    if spread:
        places = max(places, 2 - _magnitude(spread))
    places = min(places, _DIGITS_OF_A_DOUBLE - 1 - magnitude)
    if not _SMALLEST_PLAIN <= top < _LARGEST_PLAIN:
        return PriceFormat(decimals=None, mantissa=places + magnitude)
    return PriceFormat(decimals=max(places, 0 if top >= 1e6 else 2))


def format_change(percent: float | None) -> str:
    """Write a change with its sign: ``+2.81%``, ``0.00%``."""
    if percent is None or not math.isfinite(percent):
        return MISSING
    size = abs(percent)
    if trend_of(percent) == "flat":
        return "0.00%"
    sign = "+" if percent > 0 else _MINUS
    if size >= 1e6:
        return f"{sign}{_with_power(size, 2)}%"
    return f"{sign}{size:,.2f}%" if size < 1000 else f"{sign}{size:,.0f}%"


def trend_of(percent: float | None) -> str:
    """Say ``up``, ``down`` or ``flat``: flat is what :func:`format_change` writes as zero."""
    if percent is None or not math.isfinite(percent) or round(abs(percent), 2) == 0:
        return "flat"
    return "up" if percent > 0 else "down"


def format_share(part: int, whole: int) -> str:
    """Write a share in percent, and never a part of something as nothing: ``0.3%``, ``<0.1%``."""
    if whole <= 0:
        return MISSING
    if 0 < part * 1000 < whole:
        return "<0.1%"
    # Nor a part of something as the whole of it.
    percent = math.floor(part * 1000 / whole) / 10 if part < whole else 100.0
    return f"{percent:.1f}%" if percent % 1 else f"{percent:.0f}%"


def format_moment(epoch_ms: int) -> str:
    """Write a time to the second where it has seconds, else to the minute, in UTC: ``2019-10-11 14:05``."""
    # Added to the epoch, because fromtimestamp() refuses what some systems' C library does not know.
    moment = _EPOCH + timedelta(milliseconds=epoch_ms)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def format_duration(seconds: int) -> str:
    """Write a length of time in its two largest units: ``8 h 20 min``."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for name, length in units:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def _magnitude(value: float) -> int:
    return math.floor(math.log10(value))


def _with_power(value: float, digits: int) -> str:
    factor, _, exponent = f"{value:.{max(digits, 0)}e}".partition("e")
    return f"{factor}{_TIMES}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
