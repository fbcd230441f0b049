"""The times in files of history: numbers in any unit, told by their size, or ISO texts."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pricestream.tick import EARLIEST_MS, LATEST_MS


class Unit(NamedTuple):
    """What numbers below a bound count."""

    below: int
    #: Microseconds are ``number`` times this,
    times: int
    #: divided by this.
    divided_by: int


#: Between two neighbours lies a factor of a thousand, so that no time since 1973 can be taken for
#: one in another unit. Exchanges have changed their unit from one file, or one line, to the next.
UNITS: Final = (
    Unit(10**11, 1_000_000, 1),  # seconds
    Unit(10**14, 1_000, 1),  # milliseconds
    Unit(10**17, 1, 1),  # microseconds
    Unit(10**18 * 9, 1, 1_000),  # nanoseconds
)

#: An ISO time begins like this: a bare year or time of day is none.
ISO_PATTERN: Final = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISO: Final = re.compile(ISO_PATTERN)


def parse_time_ms(text: str) -> int | None:
    """Read a time as epoch milliseconds; None where it is no plausible one. An ISO time without a zone is UTC."""
    micros = _iso_us(text) if _ISO.fullmatch(text) else _number_us(text)
    if micros is None or not EARLIEST_MS * 1000 <= micros < LATEST_MS * 1000:
        return None
    return micros // 1000


def _iso_us(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _number_us(text: str) -> int | None:
    # Python would read digits of other scripts, and past underscores.
    if not text.isascii() or "_" in text:
        return None
    try:
        number: int | float = int(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            return None
    if not (math.isfinite(number) and number >= 0):
        return None
    unit = next((each for each in UNITS if number < each.below), None)
    if unit is None:
        return None
    in_us = number * unit.times
    return in_us // unit.divided_by if isinstance(in_us, int) else round(in_us / unit.divided_by)
