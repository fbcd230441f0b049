"""Window: the ticks of a window become a bar. Stream, backfill and rebuild all call these functions.

A bar is a function of the *set* of its ticks. They are gathered as a set, sorted, and folded in that
order, so that neither arrival order nor repetition nor batch boundaries change a bit of any sum.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from jobs.schema import BAR_KEY, BAR_STATISTICS, BARS, HEARTBEAT, HISTORY_SOURCE, OK


def of_interest(ticks: DataFrame) -> DataFrame:
    """Keep what the stream of bars needs: accepted ticks and heartbeats, without what a backfill added.

    Heartbeats stay until the windows are closed: they are what moves the watermark while prices
    stand still, and a filter on any other column is pushed below it.
    """
    is_from_stream = f.col("added_by").isNull()
    return ticks.filter(is_from_stream & f.col("status").isin(OK, HEARTBEAT))


def finest(ticks: DataFrame) -> DataFrame:
    """Leave the points of a fetched history out of windows that have ticks of a finer source.

    Args:
        ticks: ``coin_id``, ``vs_currency``, ``window_start``, ``source``, ``added_by``, whatever else.
    """
    is_history = f.col("added_by").isNotNull() & (f.col("source") == HISTORY_SOURCE)
    has_finer = f.bool_or(~is_history).over(Window.partitionBy(*BAR_KEY))
    return ticks.withColumn("has_finer", has_finer).filter(~is_history | ~f.col("has_finer")).drop("has_finer")


def base_bars(ticks: DataFrame, *, interval: str, seconds: int) -> DataFrame:
    """Make one bar per coin, currency and window that has a tick.

    Windows are half-open ``[start, end)``, aligned to the epoch, UTC. Ticks are ordered by
    (``event_time``, ``event_seq``, ``tick_id``) and a ``tick_id`` counts once.

    Args:
        ticks: ``coin_id``, ``vs_currency``, ``event_time``, ``event_seq``, ``tick_id``, ``price``.
        interval: the interval's name, e.g. ``1m``.
        seconds: its length.

    Returns:
        Columns of :data:`jobs.schema.BARS`; ``log_return`` is null until the bar before is
        known (:mod:`jobs.revise`). ``mean`` is the arithmetic mean of prices, ``stddev`` the population's,
        ``twap`` (open + high + low + close) / 4, ``return_pct`` 100 x (close - open) / open.
    """
    # The watermark column goes into the window untouched, or Spark would lose sight of it.
    window = f.window("event_time", f"{seconds} seconds")
    tick = f.struct("event_time", "event_seq", "tick_id", "price")
    gathered = ticks.groupBy("coin_id", "vs_currency", window).agg(f.collect_set(tick).alias("ticks"))
    return _named(_fold(gathered), interval)


def window_start(time: str, seconds: int) -> Column:
    """Start of the window that a time falls into, by the same rule as Spark's own windows."""
    micros = f.unix_micros(f.col(time))
    return f.timestamp_micros(micros - f.pmod(micros, f.lit(seconds * 1_000_000)))


def _fold(gathered: DataFrame) -> DataFrame:
    """Turn the set of a window's ticks into the statistics of its bar."""
    # One select a step: each names what the next needs, so that no array is sorted or folded twice.
    in_order = gathered.select("coin_id", "vs_currency", "window", f.sort_array("ticks").alias("ticks"))
    prices = in_order.select("*", f.transform("ticks", lambda tick: tick["price"]).alias("prices"))
    ohlc = prices.select(
        "coin_id",
        "vs_currency",
        "window",
        "prices",
        f.size("ticks").cast("long").alias("tick_count"),
        f.element_at("ticks", 1)["event_time"].alias("first_tick_at"),
        f.element_at("ticks", -1)["event_time"].alias("last_tick_at"),
        f.element_at("prices", 1).alias("open"),
        f.array_max("prices").alias("high"),
        f.array_min("prices").alias("low"),
        f.element_at("prices", -1).alias("close"),
    )
    with_mean = ohlc.select("*", _mean().alias("mean"))
    return with_mean.select("*", _stddev().alias("stddev"))


def _mean() -> Column:
    # Summed as distances from the open: equal prices then have exactly that price as their mean. What
    # rounding is left may not carry the mean out of the range of the prices.
    distance = f.aggregate("prices", f.lit(0.0), lambda total, price: total + (price - f.col("open")))
    mean = f.col("open") + distance / f.col("tick_count")
    return f.greatest(f.col("low"), f.least(f.col("high"), mean))


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
    return bars.select(
        "coin_id",
        "vs_currency",
        f.lit(interval).alias("interval"),
        start.alias("window_start"),
        f.col("window.end").alias("window_end"),
        *(f.col(name) for name in BAR_STATISTICS if name not in ("twap", "return_pct")),
        twap.alias("twap"),
        ((f.col("close") - f.col("open")) / f.col("open") * 100).alias("return_pct"),
        f.lit(None).cast("double").alias("log_return"),
        f.lit(True).alias("is_final"),
        f.lit(0).alias("revision"),
        f.to_date(start).alias("date"),
    ).select(*BARS.names)
