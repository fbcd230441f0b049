"""Rollup: the bars of longer intervals, from base bars. Never from ticks, and never from other rollups."""

from collections.abc import Callable, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.formula import log_returns, root_of_squares
from jobs.reach import Frame
from jobs.schema import BAR_STATISTICS, HISTORY_ORIGIN, ROLLED_CANDLES_ORIGIN, SERIES, TICKS_ORIGIN
from jobs.window import bar_rows, return_pct

#: What does not follow from the same of the base bars.
_OWN: Final = ("return_pct", "realized_volatility")
#: What is taken from a base bar; its start first, because they are sorted by it.
_TAKEN: Final = ("window_start", *(name for name in BAR_STATISTICS if name not in _OWN))

_KEY: Final = (*SERIES, "start_s", "seconds")


def roll_up(base: DataFrame, frames: Sequence[Frame]) -> DataFrame:
    """Make the bars of longer windows, as far as there are base bars in them.

    Base bars are folded in the order of their windows. Where some are made of ticks, those that are candles do
    not count.

    Args:
        base: columns of :data:`jobs.schema.BARS`, of all windows that lie in those made.
        frames: of the longer intervals; the windows from ``made_from`` to ``made_to`` are made.

    Returns:
        Columns of :data:`jobs.schema.BARS`, none final. ``mean`` and ``stddev`` are those of all ticks, ``twap`` the
        mean of the base bars' ``twap``; ``realized_volatility`` is the square root of the sum of the squared log
        returns from base bar to base bar, the first against its own open; null with one tick.
    """
    of_window = base.select(
        "coin_id", "vs_currency", f.struct(*_TAKEN).alias("bar"), f.explode(_windows(frames)).alias("in")
    ).select("coin_id", "vs_currency", "in.*", "bar")
    gathered = of_window.groupBy(*_KEY).agg(f.collect_list("bar").alias("bars"))
    return _named(_fold(_finest(gathered)))


def _windows(frames: Sequence[Frame]) -> Column:
    """Give the windows made that a base bar lies in, as an array of (interval, seconds, start_s)."""
    at = f.unix_seconds("window_start")
    windows = []
    for frame in frames:
        start = at - f.pmod(at, f.lit(frame.seconds))
        is_made = (start >= frame.made_from) & (start < frame.made_to)
        window = f.struct(
            f.lit(frame.interval).alias("interval"),
            f.lit(frame.seconds).cast("long").alias("seconds"),
            start.alias("start_s"),
        )
        windows.append(f.when(is_made, window))
    return f.array_compact(f.array(*windows))


def _finest(gathered: DataFrame) -> DataFrame:
    has_ticks = f.exists("bars", _is_of_ticks)
    chosen = f.when(has_ticks, f.filter("bars", _is_of_ticks)).otherwise(f.col("bars"))
    return gathered.select(*_KEY, f.sort_array(chosen).alias("bars"))


def _is_of_ticks(bar: Column) -> Column:
    return bar["origin"].isin(TICKS_ORIGIN, HISTORY_ORIGIN)


def _fold(gathered: DataFrame) -> DataFrame:
    first, last = f.element_at("bars", 1), f.element_at("bars", -1)
    ohlc = gathered.select(
        *_KEY,
        "bars",
        first["open"].alias("open"),
        f.array_max(_each("high")).alias("high"),
        f.array_min(_each("low")).alias("low"),
        last["close"].alias("close"),
        _each("close").alias("closes"),
        _total(lambda bar: bar["tick_count"], zero=0).alias("tick_count"),
        _total(lambda bar: bar["late_count"], zero=0).alias("late_count"),
        first["first_tick_at"].alias("first_tick_at"),
        last["last_tick_at"].alias("last_tick_at"),
        _origin().alias("origin"),
    )
    steps = f.concat(f.array(f.log(f.element_at("closes", 1) / f.col("open"))), log_returns(f.col("closes")))
    with_steps = ohlc.select("*", steps.alias("steps"), _mean().alias("mean"), _twap().alias("twap"))
    # Candles do not say how many ticks they had; they are taken to have had more than one.
    has_two = f.coalesce("tick_count", f.lit(2)) > 1
    volatility = f.when(has_two, root_of_squares(f.col("steps")))
    return with_steps.select("*", _stddev().alias("stddev"), volatility.alias("realized_volatility"))


def _each(name: str) -> Column:
    return f.transform("bars", lambda bar: bar[name])


def _total(value: Callable[[Column], Column], *, zero: float) -> Column:
    start = f.lit(zero).cast("long" if isinstance(zero, int) else "double")
    return f.aggregate("bars", start, lambda total, bar: total + value(bar))


def _origin() -> Column:
    made_of = _each("origin")
    return (
        f.when(f.array_contains(made_of, TICKS_ORIGIN), TICKS_ORIGIN)
        .when(f.array_contains(made_of, HISTORY_ORIGIN), HISTORY_ORIGIN)
        .otherwise(ROLLED_CANDLES_ORIGIN)
    )


def _mean() -> Column:
    # As in a base bar: summed as distances from the open, and never out of the range of the prices.
    distance = _total(lambda bar: bar["tick_count"] * (bar["mean"] - f.col("open")), zero=0.0)
    mean = f.col("open") + distance / f.col("tick_count")
    # Without the condition a null would make it the low: greatest and least pass over nulls.
    return f.when(mean.isNotNull(), f.greatest(f.col("low"), f.least(f.col("high"), mean)))


def _twap() -> Column:
    first = f.element_at("bars", 1)["twap"]
    return first + _total(lambda bar: bar["twap"] - first, zero=0.0) / f.size("bars")


def _stddev() -> Column:
    def spread(bar: Column) -> Column:
        apart = bar["mean"] - f.col("mean")
        return bar["tick_count"] * (bar["stddev"] * bar["stddev"] + apart * apart)

    return f.sqrt(_total(spread, zero=0.0) / f.col("tick_count"))


def _named(bars: DataFrame) -> DataFrame:
    start = f.timestamp_seconds("start_s")
    named = {
        "window_start": start,
        "window_end": f.timestamp_seconds(f.col("start_s") + f.col("seconds")),
        "return_pct": return_pct(),
        "gap": f.lit(False),
        "is_final": f.lit(False),
        "revision": f.lit(0),
        "date": f.to_date(start),
    }
    return bar_rows(bars.select("*", *(value.alias(name) for name, value in named.items())))
