"""Numbers in an answer, any of which may be null or worse."""

import math


def finite_number(value: object) -> float | None:
    """Give a JSON value as a number; None where it is none that can be counted with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
