"""What stands in the cells of history files, as typed columns. What cannot be read is null; nothing raises."""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.history_time import ISO_PATTERN, UNITS
from pricestream.tick import EARLIEST_MS, LATEST_MS

_MOMENTS: Final = (t.TimestampType, t.TimestampNTZType, t.DateType)
_ISO: Final = rf"\A{ISO_PATTERN}\z"


def moment(name: str, kind: t.DataType) -> Column:
    """Read a column as a time, null where it is none since 2009: the same rule as :func:`parse_time_ms`.

    Args:
        name: the column.
        kind: its type: a time, a number of any unit, or a text of either.
    """
    if isinstance(kind, _MOMENTS):
        micros = f.unix_micros(_cast(name, "timestamp"))
    elif isinstance(kind, t.StringType):
        # Most texts are numbers, or else most are ISO; either way the other cast is rarely tried.
        iso = f.unix_micros(_cast(name, "timestamp"))
        micros = f.when(f.col(name).rlike(_ISO), iso).otherwise(f.coalesce(_whole_us(name), _fractional_us(name)))
    elif isinstance(kind, t.IntegralType):
        micros = _whole_us(name)
    else:
        micros = _fractional_us(name)
    # The bounds come first: a number of 19 digits would overflow the conversion.
    is_plausible = micros.between(EARLIEST_MS * 1000, LATEST_MS * 1000 - 1)
    return f.when(is_plausible, f.timestamp_micros(micros))


def number(name: str) -> Column:
    """Read a column as a number, null where it is none."""
    return _cast(name, "double")


def whole_number(name: str) -> Column:
    """Read a column as a whole number of 64 bits, null where it is none."""
    return _cast(name, "bigint")


def _cast(name: str, kind: str) -> Column:
    # With try_, because a cast that fails raises an error under ANSI rules, Spark 4's default.
    return f.expr(f"try_cast(`{name}` AS {kind})")


def _whole_us(name: str) -> Column:
    return f.expr(_by_size(f"try_cast(`{name}` AS bigint)", "{number} * {times} div {divided_by}"))


def _fractional_us(name: str) -> Column:
    """Take the nearest microsecond; only of nanoseconds are a double's digits too few, and those are cut anyway."""
    rounded = "cast(round({number} * {times} / {divided_by}) AS bigint)"
    return f.expr(_by_size(f"try_cast(`{name}` AS double)", rounded))


def _by_size(number: str, in_us: str) -> str:
    # A number below 0 is no time, and neither is one that no unit takes.
    units = [f"WHEN {number} < {unit.below} THEN {in_us.format(number=number, **unit._asdict())}" for unit in UNITS]
    return f"CASE WHEN {number} < 0 THEN NULL {' '.join(units)} END"
