"""Written: prices, changes, counts and times as each language writes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from dashboard.words.texts import Texts
from jobs.report_number import MISSING, choose_format, format_change

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def localized(text: str, texts: Texts) -> str:
    """Turn a number as English writes it into one of a language."""
    return text.translate(str.maketrans(",.", f"{texts.thousands}{texts.decimal}"))


def price_writer(prices: list[float], texts: Texts) -> Callable[[float | None], str]:
    """Choose how to write the prices of one coin, so that they line up."""
    write = choose_format(prices)
    return lambda price: MISSING if price is None else localized(write(price), texts)


def change(percent: float | None, texts: Texts) -> str:
    """Write a change with its sign, in percent."""
    return localized(format_change(percent), texts)


def count(number: int | None, texts: Texts) -> str:
    """Write a whole number."""
    return MISSING if number is None else localized(f"{number:,}", texts)


def duration(ms: int, texts: Texts) -> str:
    """Write a length of time in its two largest units: ``8 h 20 min``."""
    seconds = max(0, ms) // 1000
    parts = []
    for name, length in _UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(f"{number} {texts.units[name]}")
    return " ".join(parts[:2]) or f"0 {texts.units['s']}"


def moment(epoch_ms: int) -> str:
    """Write a time, to the second where it has seconds: ``2026-01-05 09:30``."""
    # Added to the epoch, because fromtimestamp() refuses what some systems' C library does not know.
    at = _EPOCH + timedelta(milliseconds=epoch_ms)
    return at.replace(tzinfo=None).isoformat(" ", "seconds" if at.second else "minutes")


def ago(ms: int, texts: Texts) -> str:
    """Write how long ago something was."""
    return texts.now if ms < 1000 else texts.ago.format(time=duration(ms, texts))
