"""Bars as a test wants them: plain dictionaries, whose times are epoch microseconds."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.frame_columns import span_condition
from jobs.look_back import look_back
from jobs.reach import Frame, made_spans
from jobs.schema import BARS
from pricestream.interval import interval_seconds

#: 2026-01-05T09:00:00Z, a Monday.
NINE_S: Final = 1_767_603_600

Bar = dict[str, Any]

_TIMES: Final = tuple(field.name for field in BARS if isinstance(field.dataType, t.TimestampType))
_NUMBERED: Final = t.StructType(
    [
        t.StructField(each.name, t.LongType() if each.name in _TIMES else each.dataType)
        for each in BARS
        if each.name != "date"
    ]
)


def bar(number: int, close: float, *, interval: str = "1m", coin: str = "a", **changes: Any) -> Bar:
    """Make the final bar of one tick, which came as the window was half over.

    Args:
        number: the window's, counted from the one that holds nine o'clock.
        close: the tick's price.
        interval: the interval's name.
        coin: whose bar.
        **changes: columns, times in epoch microseconds.
    """
    seconds = interval_seconds(interval)
    start = (NINE_S // seconds + number) * seconds * 1_000_000
    middle = start + seconds * 500_000
    values: Bar = dict.fromkeys(_NUMBERED.names)
    values |= {"coin_id": coin, "vs_currency": "usd", "interval": interval}
    values |= {"window_start": start, "window_end": start + seconds * 1_000_000}
    values |= dict.fromkeys(("open", "high", "low", "close", "mean", "twap"), float(close))
    values |= {"stddev": 0.0, "tick_count": 1, "late_count": 0, "first_tick_at": middle, "last_tick_at": middle}
    values |= {"return_pct": 0.0, "gap": False, "origin": "ticks", "is_final": True, "revision": 0}
    return values | changes


def candle(number: int, close: float, **changes: Any) -> Bar:
    """Make the bar of a candle, which knows of no ticks."""
    unknown = dict.fromkeys(("mean", "twap", "stddev", "tick_count", "late_count", "first_tick_at", "last_tick_at"))
    values: Bar = {"origin": "candles"} | unknown | changes
    return bar(number, close, **values)


def bars_frame(spark: SparkSession, bars: Iterable[Bar]) -> DataFrame:
    """Columns of :data:`jobs.schema.BARS`."""
    rows = [tuple(each[name] for name in _NUMBERED.names) for each in bars]
    numbered = spark.createDataFrame(rows, _NUMBERED)
    timed = numbered.withColumns({name: f.timestamp_micros(name) for name in _TIMES})
    return timed.withColumn("date", f.to_date("window_start")).select(*BARS.names)


def looking_back(spark: SparkSession, bars: Iterable[Bar], frames: Sequence[Frame]) -> DataFrame:
    """Make those bars anew that lie in ``made_from`` to ``changed_to``, with the others as what is stored.

    Returns:
        Columns of :data:`jobs.schema.BARS`, ``is_ours`` and ``earlier``.
    """
    rows = bars_frame(spark, bars)
    made = rows.filter(span_condition(made_spans(frames))).withColumn("is_ours", f.lit(True))
    return look_back(made, rows, frames)


def bars_in(frame: DataFrame) -> list[Bar]:
    """Collect bars, whatever else their rows have, from the oldest to the newest of each coin and interval."""
    numbered = frame.withColumns({name: f.unix_micros(name) for name in _TIMES}).drop("date")
    # Sorted here: Spark would compute everything twice, to find out first where to cut.
    rows = [row.asDict() for row in numbered.collect()]
    return sorted(rows, key=lambda row: (row["coin_id"], row["interval"], row["window_start"]))


def number_of(row: Bar) -> int:
    """Give the number of a bar's window, counted as :func:`bar` does."""
    seconds = interval_seconds(row["interval"])
    return int(row["window_start"] // 1_000_000 // seconds - NINE_S // seconds)
