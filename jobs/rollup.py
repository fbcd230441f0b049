"""Rollup: the bars of longer intervals, from base bars. Never from ticks, and never from other rollups."""

from collections.abc import Callable, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.made_once import made_once
from jobs.reach import Frame
from jobs.returns import log_returns, root_of_squares
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
    # A row for each window made that a base bar lies in, with its interval, seconds and start_s.
    windows = f"inline(array_compact(array({', '.join(_window(frame) for frame in frames)})))"
    of_window = base.selectExpr("coin_id", "vs_currency", f"struct({', '.join(_TAKEN)}) AS bar", windows)
    gathered = of_window.groupBy(*_KEY).agg(_finest().alias("bars"))
    return bar_rows(_fold(gathered))


def _window(frame: Frame) -> str:
    at = "unix_seconds(window_start)"
    start = f"{at} - pmod({at}, {frame.seconds}L)"
    is_made = f"{start} >= {frame.made_from}L AND {start} < {frame.made_to}L"
    window = f"struct('{frame.interval}' AS interval, {frame.seconds}L AS seconds, {start} AS start_s)"
    return f"IF({is_made}, {window}, NULL)"


@made_once
def _finest() -> Column:
    # Spark gathers them once, however often the list is named.
    bars = f.collect_list("bar")
    return f.sort_array(f.when(f.exists(bars, _is_of_ticks), f.filter(bars, _is_of_ticks)).otherwise(bars))


def _is_of_ticks(bar: Column) -> Column:
    return bar["origin"].isin(TICKS_ORIGIN, HISTORY_ORIGIN)


def _fold(gathered: DataFrame) -> DataFrame:
    """Turn the base bars of a window into the statistics of its bar; each select names what the next needs."""
    return gathered.select(*_ohlc()).select("*", *_means()).select("*", *_spreads(), *_names())


@made_once
def _ohlc() -> tuple[Column, ...]:
    first, last = f.element_at("bars", 1), f.element_at("bars", -1)
    return (
        *(f.col(name) for name in (*_KEY, "bars")),
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


@made_once
def _means() -> tuple[Column, ...]:
    steps = f.concat(f.array(f.log(f.element_at("closes", 1) / f.col("open"))), log_returns(f.col("closes")))
    return (steps.alias("steps"), _mean().alias("mean"), _twap().alias("twap"))


@made_once
def _spreads() -> tuple[Column, ...]:
    # Candles do not say how many ticks they had; they are taken to have had more than one.
    has_two = f.coalesce("tick_count", f.lit(2)) > 1
    volatility = f.when(has_two, root_of_squares(f.col("steps")))
    return (_stddev().alias("stddev"), volatility.alias("realized_volatility"))


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


@made_once
def _names() -> tuple[Column, ...]:
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
    return tuple(value.alias(name) for name, value in named.items())
