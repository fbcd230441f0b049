"""Indicators: what a bar says of the bars before it. Each looks back a stated number of windows, none ahead."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f
from pyspark.sql.window import WindowSpec

from jobs import formula
from jobs.frame_columns import is_made
from jobs.look_back import EARLIER
from jobs.made_once import made_once
from jobs.reach import Frame
from jobs.schema import BARS, SERIES
from pricestream.indicator_settings import IndicatorSettings


def with_indicators(rows: DataFrame, frames: Sequence[Frame], settings: IndicatorSettings) -> DataFrame:
    """Fill in :data:`jobs.schema.BAR_INDICATORS`.

    Args:
        rows: columns of :data:`jobs.schema.BARS`, ``is_ours``, ``earlier`` and ``number``
            (:func:`jobs.gaps.with_gaps`): bars and gaps, and what they look back at.
        frames: of all intervals.
        settings: over how many bars.

    Returns:
        Columns of :data:`jobs.schema.BARS` and ``is_ours``, of the windows from ``made_from`` on. ``log_return`` is
        ln(close / close of the window just before), null where that has no bar; ``anomaly`` tells whether the return
        against the bar before is an outlier (:func:`jobs.formula.robust_z`), null while that cannot be told; ``stale``
        whether the coin had no tick for ``stale_spacings`` times the mean time between its ticks, null where it has
        not had two. In a gap all but ``stale`` is null, in a bar that is not final all.
    """
    looked_back = rows.select("*", *_behind(settings.lookback_bars))
    # First of all, so that what is only looked back at costs no formula.
    made = looked_back.filter(is_made(frames))
    measured = made.select("*", *_seen()).select("*", *_steps(settings)).select("*", *_measures(settings))
    return measured.select(*_rows(settings))


@made_once
def _behind(lookback: int) -> tuple[Column, ...]:
    in_order = Window.partitionBy(*SERIES).orderBy("number")
    behind = in_order.rangeBetween(1 - lookback, Window.currentRow)
    return (
        f.lag("number").over(in_order).alias("number_before"),
        f.lag("close").over(in_order).alias("close_before"),
        f.collect_list("close").over(behind).alias("row_closes"),
        f.min("first_tick_at").over(behind).alias("row_first"),
        f.max("last_tick_at").over(behind).alias("row_last"),
        f.sum("tick_count").over(behind).alias("row_ticks"),
        f.filter(_earlier(in_order), lambda bar: bar["number"] > f.col("number") - lookback).alias("recent"),
    )


def _earlier(in_order: WindowSpec) -> Column:
    # The first row of a series is what it looks back at, where there is anything.
    first = f.first("earlier").over(in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return f.coalesce(first, f.array().cast(EARLIER))


@made_once
def _seen() -> tuple[Column, ...]:
    # A row that tells nothing of its closes has none, so that no formula goes over them. Below, a null on one side
    # leaves the other.
    return (
        f.expr("IF(is_final AND NOT gap, concat(recent.close, row_closes), NULL) AS closes"),
        f.expr("least(array_min(recent.first_tick_at), row_first) AS first_seen"),
        f.expr("greatest(array_max(recent.last_tick_at), row_last) AS last_seen"),
        f.expr(
            "aggregate(recent.tick_count, row_ticks, (total, ticks) -> coalesce(total + ticks, total, ticks)) AS seen"
        ),
    )


@made_once
def _steps(settings: IndicatorSettings) -> tuple[Column, ...]:
    closes = f.col("closes")
    return (
        formula.sma(closes, settings.bars).alias("_sma"),
        formula.changes(closes).alias("moves"),
        # Only so many does robust_z look at: those before the last, and the last.
        formula.log_returns(formula.last(closes, settings.anomaly_bars + 2)).alias("returns"),
    )


@made_once
def _measures(settings: IndicatorSettings) -> tuple[Column, ...]:
    return (
        formula.deviation(f.col("closes"), f.col("_sma"), settings.bars).alias("_deviation"),
        formula.robust_z(f.col("returns"), settings.anomaly_bars).alias("_score"),
    )


@made_once
def _rows(settings: IndicatorSettings) -> tuple[Column, ...]:
    values = _values(settings)
    return (*(values.get(name, f.col(name)).alias(name) for name in BARS.names), f.col("is_ours"))


def _values(settings: IndicatorSettings) -> dict[str, Column]:
    half = settings.bollinger_width * f.col("_deviation")
    is_adjacent = f.col("number_before") == f.col("number") - 1
    of_bars = {
        "log_return": f.when(is_adjacent, f.log(f.col("close") / f.col("close_before"))),
        "sma": f.col("_sma"),
        "ema": formula.ema(f.col("closes"), settings.bars),
        "bollinger_lower": f.col("_sma") - half,
        "bollinger_upper": f.col("_sma") + half,
        "rsi": formula.rsi(f.col("moves"), settings.rsi_bars),
        "anomaly": f.col("_score") > settings.anomaly_score,
    }
    of_bars = {name: f.when(f.col("closes").isNotNull(), value) for name, value in of_bars.items()}
    return of_bars | {"stale": f.when(f.col("is_final"), _is_stale(settings.stale_spacings))}


def _is_stale(spacings: float) -> Column:
    silent = f.unix_micros("window_end") - f.unix_micros("last_seen")
    spacing = (f.unix_micros("last_seen") - f.unix_micros("first_seen")) / (f.col("seen") - 1)
    return f.when((f.col("seen") > 1) & (spacing > 0), silent > spacings * spacing)
