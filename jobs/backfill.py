"""Backfill: history lands in ``ticks``, then its range becomes bars and files by the functions of the stream."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from rich.console import Console

from jobs.application import open_session
from jobs.candles import candle_bars
from jobs.days import Range, Step, steps
from jobs.drivers import keep_alone, refuse_beside_stream
from jobs.extent import kept
from jobs.history_coingecko import fetch_history
from jobs.history_files import CandleHistory, open_history, read_coingecko_history
from jobs.horizon import claim_horizon, final_through_s
from jobs.landing import Landed, land, take_in_late
from jobs.publish import published
from jobs.rebuild import rebuild_days
from jobs.remake import accepted_ticks
from jobs.schema import HISTORY_ORIGIN, ROW_KEY, TICKS_ORIGIN
from jobs.session import shuffled
from jobs.sink import BarSink, Place
from jobs.tables import create_tables, read_bars
from jobs.work_bar import work_bar
from pricestream.errors import SettingsError
from pricestream.settings import Settings

log = logging.getLogger(__name__)

_SOURCES: Final = ("ticks", "coingecko", "files")


@dataclass(frozen=True)
class Order:
    """What a person asks for."""

    days: Range
    #: Only these coins; empty is all, from CoinGecko those of the producer's settings.
    coins: tuple[str, ...] = ()
    #: ``ticks`` adds nothing, ``coingecko`` fetches, ``files`` reads :attr:`path`.
    source: str = "ticks"
    path: str | None = None
    #: Whose prices the files hold, where they do not say.
    coin_id: str | None = None
    vs_currency: str | None = None
    include_late: bool = False
    dry_run: bool = False
    #: How long candles in files are; None takes the most common distance between them.
    candle_interval: str | None = None
    #: Whether a candle's time is its start or its end.
    candle_stamp: Literal["start", "end"] = "start"
    #: No stream runs, whatever its status says.
    alone: bool = False

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            SettingsError: it does not.
        """
        if self.source not in _SOURCES:
            raise SettingsError(f"--source {self.source}: is none of {', '.join(_SOURCES)}")
        if (self.source == "files") != (self.path is not None):
            raise SettingsError("--source files needs --path, and no other source takes one")
        if self.dry_run and self.source != "coingecko":
            raise SettingsError("--dry-run says what --source coingecko would take; leave it out here")


def run_backfill(settings: Settings, order: Order) -> None:
    """Fetch what there is to fetch, then make a session, land it and rebuild the range.

    Raises:
        PricestreamError: the source or storage can not be used, or Spark failed.
    """
    if order.dry_run:
        _fetch(settings, order)
        return
    refuse_beside_stream(settings, alone=order.alone)
    fetched = _fetch(settings, order)
    days, coins = order.days, order.coins
    with keep_alone(settings, alone=order.alone), open_session(settings) as spark:
        create_tables(spark, settings.job)
        land_history(spark, settings, order, fetched)
        if count := rebuild_range(spark, settings, days, coins, alone=order.alone):
            log.info("%d bars from %s to %s are as ticks has them", count, days.first, days.end)
        elif order.source != "files":
            log.warning("ticks has nothing from %s to %s; there is nothing to make bars of", days.first, days.end)


def _fetch(settings: Settings, order: Order) -> list[str]:
    if order.source != "coingecko":
        return []
    return fetch_history(
        settings,
        start_s=order.days.start_s,
        end_s=order.days.end_s,
        coins=order.coins or settings.producer.coins,
        dry_run=order.dry_run,
        console=Console(stderr=True),
    )


def land_history(spark: SparkSession, settings: Settings, order: Order, fetched: Sequence[str]) -> None:
    """Add to ``ticks`` what the source has of the range and it lacks.

    Raises:
        SourceError: files cannot be read or understood.
        SettingsError: it cannot be told whose prices they hold, or how long their candles are.
    """
    if order.source == "files" and order.path is not None:
        history = open_history(
            spark,
            settings,
            order.path,
            coin_id=order.coin_id,
            vs_currency=order.vs_currency,
            candle_interval=order.candle_interval,
            candle_stamp=order.candle_stamp,
        )
        if isinstance(history, CandleHistory):
            taken_in, left_out = take_in_candles(spark, settings, order, history)
            log.info("%s candles taken in", f"{taken_in:,}")
            if left_out:
                log.info("%s candles left out: their windows have ticks, which are finer", f"{left_out:,}")
        else:
            _say(land(_in_range(history.ticks, order), settings, added_by="backfill:files"))
    if fetched:
        _say(land(_in_range(read_coingecko_history(spark, fetched), order), settings, added_by="backfill:coingecko"))
    if order.include_late:
        days = order.days
        _say(
            take_in_late(spark, settings, start_s=days.start_s, end_s=days.end_s, coins=list(order.coins) or None),
            "late ticks taken in",
        )


def _in_range(ticks: DataFrame, order: Order) -> DataFrame:
    # What cannot be read has no time, and is kept as a rejected row.
    at = f.unix_seconds("event_time")
    is_in_range = at.isNull() | ((at >= order.days.start_s) & (at < order.days.end_s))
    chosen = f.col("coin_id").isNull() | f.col("coin_id").isin(list(order.coins)) if order.coins else f.lit(True)
    return ticks.filter(is_in_range & chosen)


def _say(landed: Landed, what: str = "ticks added") -> None:
    statuses = ", ".join(f"{count:,} {status}" for status, count in sorted(landed.by_status.items())) or "none"
    log.info("%s: %s; %s were there already", what, statuses, f"{landed.already_there:,}")


def rebuild_range(
    spark: SparkSession, settings: Settings, days: Range, coins: Sequence[str], *, alone: bool = False
) -> int:
    """Compute the bars of a range anew from ``ticks``. Returns how many were computed.

    A bar that comes out as it was is left alone. One whose window is still open is not final yet, and the stream
    makes it so.

    Args:
        spark: the session.
        settings: where the tables are.
        days: the UTC days.
        coins: only these; empty is all.
        alone: no stream runs, whatever its status says.
    """
    sink = _open_sink(spark, settings, alone=alone)
    ticks = accepted_ticks(spark, settings, first=days.start_s, end=days.end_s, coins=coins)

    def make(step: Step) -> None:
        rebuild_days(spark, settings, sink, step, coins)
        log.info("%s to %s: %d bars so far", step.days.first, step.days.end, sink.bars_written)

    # A day may have bars and no ticks, of candles or past retention: its files come again too.
    counts = _by_date(_in_files(spark, settings, days, coins)) | _by_date(ticks)
    _in_steps(spark, settings, counts, "ticks", make)
    return sink.bars_written


def _in_files(spark: SparkSession, settings: Settings, days: Range, coins: Sequence[str]) -> DataFrame:
    is_in_days = (f.col("date") >= f.lit(days.first)) & (f.col("date") < f.lit(days.end))
    bars = published(read_bars(spark, settings.job).filter(is_in_days), settings)
    return bars.filter(f.col("coin_id").isin(list(coins))) if coins else bars


def take_in_candles(spark: SparkSession, settings: Settings, order: Order, history: CandleHistory) -> tuple[int, int]:
    """Make bars of candles, where there is none of ticks. Returns how many were taken in, and how many were not."""
    for reason, rows in sorted(history.rejected.items()):
        log.warning("%s candles are turned away: %s", f"{rows:,}", reason)
    sink = _open_sink(spark, settings, alone=order.alone)
    candles = _in_range(history.candles.withColumn("event_time", f.col("window_start")), order)
    with kept(candle_bars(candles)) as bars:
        coins = [row["coin_id"] for row in bars.select("coin_id").distinct().collect()]
        left_out = _having_ticks(bars, settings)

        def write(step: Step) -> None:
            left: Place | None = Place(step.days.start_s, step.days.end_s, coins, step.is_followed)
            is_in_step = (f.col("date") >= f.lit(step.days.first)) & (f.col("date") < f.lit(step.days.end))
            while left is not None:
                is_left = (f.unix_seconds("window_end") > left.first) & (f.unix_seconds("window_start") < left.end)
                sink.rewrite(bars.filter(is_in_step & is_left), left)
                left = sink.follow(left)

        _in_steps(spark, settings, _by_date(bars), "candles", write)
    return sink.bars_written - left_out, left_out


def _open_sink(spark: SparkSession, settings: Settings, *, alone: bool) -> BarSink:
    def look() -> tuple[int, int]:
        closed = claim_horizon(settings, now_s=time.time(), alone=alone)
        return closed, final_through_s(spark, settings)

    closed, final = look()
    return BarSink(settings, closed, final, look=look)


def _having_ticks(bars: DataFrame, settings: Settings) -> int:
    """Count those whose windows have a bar of ticks, or of fetched history, already."""
    ends = bars.agg(f.min("date").alias("first"), f.max("date").alias("last"))
    [(first, last)] = ends.collect()
    stored = read_bars(bars.sparkSession, settings.job).filter(f.col("date").between(f.lit(first), f.lit(last)))
    finer = stored.filter(f.col("origin").isin(TICKS_ORIGIN, HISTORY_ORIGIN))
    return bars.join(finer, list(ROW_KEY), "left_semi").count()


def _by_date(rows: DataFrame) -> dict[date, int]:
    return {row["date"]: row["count"] for row in rows.groupBy("date").count().collect()}


def _in_steps(
    spark: SparkSession, settings: Settings, counts: Mapping[date, int], what: str, work: Callable[[Step], None]
) -> None:
    """Work through the days, shuffling as each step needs it, and show how far it is."""
    job = settings.job
    with work_bar(sum(counts.values()), what) as advance:
        for step in steps(counts, rows_a_step=job.backfill.ticks_per_step):
            with shuffled(spark, job, step.rows):
                work(step)
            advance(step.rows)
