"""Window: the ticks of a window become a bar. Stream, backfill and rebuild all call these functions.

A bar is a function of the *set* of its ticks. They are gathered as a set, sorted, and folded in that
order, so that neither arrival order nor repetition nor batch boundaries change a bit of any sum.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.made_once import made_once
from jobs.returns import log_returns, root_of_squares
from jobs.schema import BARS, HEARTBEAT, HISTORY_ORIGIN, HISTORY_SOURCE, OK, TAKEN_IN, TICKS_ORIGIN

#: The time of a tick as the watermark sees it.
CLOSING_TIME: Final = "closing_time"
#: The same in all ticks of a window, and hardly in those of another.
_MEETING: Final = "meeting"


def of_interest(ticks: DataFrame) -> DataFrame:
    """Keep what the stream of bars needs: accepted ticks and heartbeats, without what a backfill added.

    Heartbeats stay until the windows are closed: they are what moves the watermark while prices
    stand still, and a filter on any other column is pushed below it.
    """
    is_from_stream = f.col("added_by").isNull()
    return ticks.filter(is_from_stream & moves_watermark())


def moves_watermark() -> Column:
    """Tell which rows of ``ticks`` say what time it is: accepted ticks and heartbeats."""
    return f.col("status").isin(OK, HEARTBEAT)


def closing(ticks: DataFrame, *, delay_seconds: int, step_seconds: int) -> DataFrame:
    """Have the watermark trail the newest event, in steps.

    With each move of the watermark Spark runs one more micro-batch, in case it closes something, and reads nothing
    meanwhile. Where the step divides both a window's length and the delay, a window closes, and a tick is late, with
    the same event as if the watermark moved with every one.

    Args:
        ticks: a stream, with ``event_time``.
        delay_seconds: how far the watermark trails.
        step_seconds: what its moves are multiples of.

    Returns:
        The same columns and :data:`CLOSING_TIME`, which carries the watermark.
    """
    timed = ticks.withColumn(CLOSING_TIME, window_start("event_time", step_seconds))
    return timed.withWatermark(CLOSING_TIME, f"{delay_seconds} seconds")


def base_bars(ticks: DataFrame, *, interval: str, seconds: int, time: str = "event_time") -> DataFrame:
    """Make one bar per coin, currency and window that has a tick.

    Windows are half-open ``[start, end)``, aligned to the epoch, UTC. Ticks are ordered by
    (``event_time``, ``event_seq``, ``tick_id``) and a ``tick_id`` counts once. The points of a fetched
    history count only where the window has no other tick.

    Args:
        ticks: ``coin_id``, ``vs_currency``, ``event_time``, ``event_seq``, ``tick_id``, ``price``, ``source``,
            ``added_by``, ``reason``.
        interval: the interval's name, e.g. ``1m``.
        seconds: its length.
        time: the column that says which window a tick is of; of a stream that which carries the watermark.

    Returns:
        Columns of :data:`jobs.schema.BARS`; what depends on other bars is null. ``mean`` is the arithmetic mean of
        prices, ``stddev`` the population's, ``twap`` (open + high + low + close) / 4, ``return_pct``
        100 x (close - open) / open, ``realized_volatility`` the square root of the sum of the squared log returns
        from tick to tick (Andersen & Bollerslev 1998), null with one tick.
    """
    # The watermark column goes into the window untouched, or Spark would lose sight of it.
    key: list[Column | str] = ["coin_id", "vs_currency", f.window(time, f"{seconds} seconds")]
    if not ticks.isStreaming:
        ticks, key = _met(ticks, window_start(time, seconds)), [_MEETING, *key]
    tick = f.struct("event_time", "event_seq", "tick_id", "price")
    is_history = f.col("added_by").isNotNull() & f.col("source").eqNullSafe(HISTORY_SOURCE)
    gathered = ticks.groupBy(*key).agg(
        f.collect_set(f.when(~is_history, tick)).alias("ticks"),
        f.collect_set(f.when(is_history, tick)).alias("points"),
        f.collect_set(f.when(f.col("reason") == TAKEN_IN, f.col("tick_id"))).alias("late"),
    )
    has_ticks = f.size("ticks") > 0
    finest = gathered.select(
        "coin_id",
        "vs_currency",
        "window",
        f.when(has_ticks, f.col("ticks")).otherwise(f.col("points")).alias("ticks"),
        f.when(has_ticks, TICKS_ORIGIN).otherwise(HISTORY_ORIGIN).alias("origin"),
        f.size("late").cast("long").alias("late_count"),
    )
    return _named(_fold(finest), interval)


def _met(ticks: DataFrame, start: Column) -> DataFrame:
    """Bring the ticks of a window together before they are gathered, by a number of their own.

    Else Spark gathers those of each task first, sorts them by the name of the coin, and brings together what it has
    gathered. In a stream it keeps that under the key, which must stay as it is.
    """
    return ticks.withColumn(_MEETING, f.xxhash64("coin_id", "vs_currency", start)).repartition(_MEETING)


def window_start(time: str, seconds: int) -> Column:
    """Start of the window that a time falls into, by the same rule as Spark's own windows."""
    micros = f.unix_micros(f.col(time))
    return f.timestamp_micros(micros - f.pmod(micros, f.lit(seconds * 1_000_000)))


def _fold(gathered: DataFrame) -> DataFrame:
    """Turn the set of a window's ticks into the statistics of its bar."""
    # One select a step: each names what the next needs, so that no array is sorted or folded twice.
    in_order = gathered.withColumn("ticks", f.sort_array("ticks"))
    prices = in_order.select("*", _prices())
    ohlc = prices.select("coin_id", "vs_currency", "window", "origin", "late_count", "prices", *_ohlc())
    return ohlc.select("*", *_means()).select("*", _stddev().alias("stddev"))


@made_once
def _prices() -> Column:
    return f.transform("ticks", lambda tick: tick["price"]).alias("prices")


@made_once
def _ohlc() -> tuple[Column, ...]:
    return (
        f.size("ticks").cast("long").alias("tick_count"),
        f.element_at("ticks", 1)["event_time"].alias("first_tick_at"),
        f.element_at("ticks", -1)["event_time"].alias("last_tick_at"),
        f.element_at("prices", 1).alias("open"),
        f.array_max("prices").alias("high"),
        f.array_min("prices").alias("low"),
        f.element_at("prices", -1).alias("close"),
    )


@made_once
def _means() -> tuple[Column, ...]:
    volatility = f.when(f.size("prices") > 1, root_of_squares(log_returns(f.col("prices"))))
    return (_mean().alias("mean"), volatility.alias("realized_volatility"))


def _mean() -> Column:
    # Summed as distances from the open: equal prices then have exactly that price as their mean. What
    # rounding is left may not carry the mean out of the range of the prices.
    distance = f.aggregate("prices", f.lit(0.0), lambda total, price: total + (price - f.col("open")))
    mean = f.col("open") + distance / f.col("tick_count")
    return f.greatest(f.col("low"), f.least(f.col("high"), mean))


@made_once
def _stddev() -> Column:
    squares = f.aggregate(
        "prices",
        f.lit(0.0),
        lambda total, price: total + (price - f.col("mean")) * (price - f.col("mean")),
    )
    return f.sqrt(squares / f.col("tick_count"))


def _named(bars: DataFrame, interval: str) -> DataFrame:
    start = f.col("window.start")
    # Two sums of two: four equal prices then average to that price, to the bit.
    twap = ((f.col("open") + f.col("high")) + (f.col("low") + f.col("close"))) / 4
    named = {
        "interval": f.lit(interval),
        "window_start": start,
        "window_end": f.col("window.end"),
        "twap": twap,
        "return_pct": return_pct(),
        "gap": f.lit(False),
        "is_final": f.lit(True),
        "revision": f.lit(0),
        "date": f.to_date(start),
    }
    return bar_rows(bars.select("*", *(value.alias(name) for name, value in named.items())))


def return_pct() -> Column:
    """Give the return of a bar in per cent, its close against its open."""
    return (f.col("close") - f.col("open")) / f.col("open") * 100


def bar_rows(bars: DataFrame) -> DataFrame:
    """Put columns into the order of :data:`jobs.schema.BARS`; those that are not there are null."""
    there = set(bars.columns)
    values = (
        each.name if each.name in there else f"CAST(NULL AS {each.dataType.simpleString()}) AS {each.name}"
        for each in BARS
    )
    return bars.selectExpr(*values)
