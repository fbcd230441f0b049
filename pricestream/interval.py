"""Interval names such as ``1m`` or ``4h``, and their length."""

import re
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NAME: Final = re.compile(r"([1-9][0-9]*)([smhd])")


def interval_seconds(name: str) -> int:
    """Length of an interval in seconds: ``interval_seconds("4h") == 14400``.

    Raises:
        ValueError: the name is not a whole number followed by s, m, h or d.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not an interval; write a number and s, m, h or d, such as 1m")
    return int(match[1]) * _UNITS[match[2]]
