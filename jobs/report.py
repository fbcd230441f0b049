"""Report: the newest bars as one page, written when the job stops."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from jobs.report_model import MAX_COINS, MAX_WINDOWS, Bar, CoinBars, Report
from jobs.report_page import render_report
from jobs.report_settings import omissions, run_settings, source_detail
from jobs.storage import open_file
from jobs.tables import read_bars
from pricestream.producer_settings import ProducerSettings
from pricestream.settings import Settings

_MARKET: Final = ("coin_id", "vs_currency")


def write_report(
    spark: SparkSession, settings: Settings, counts: Mapping[str, int], *, clock: Callable[[], float] = time.time
) -> None:
    """Write the page to ``job.report``, in place of what is there; does nothing where that is null.

    Args:
        spark: a session that can read the tables.
        settings: the run's.
        counts: how many records ``ticks`` holds (``rows``), and how many of each status.
        clock: seconds since the epoch.

    Raises:
        StorageError: the place can not be written.
    """
    if settings.job.report is None:
        return
    store, name = open_file(settings.job.report, settings.job.s3, settings.stream.region)
    page = render_report(read_report(spark, settings, counts, now_ms=int(clock() * 1000)))
    # A text that UTF-8 has no bytes for becomes a reference, and never costs the page.
    store.write(name, page.encode("utf-8", "xmlcharrefreplace"))


def read_report(spark: SparkSession, settings: Settings, counts: Mapping[str, int], *, now_ms: int) -> Report:
    """Gather what the page shows: the newest 500 windows of at most 24 coins, final bars of the base interval.

    The windows are the same for all coins: they end with the newest that any coin has a bar in.
    """
    job = settings.job
    final = read_bars(spark, job).filter(f.col("is_final") & (f.col("interval") == job.base_interval))
    coins, left_out = _newest_bars(final, settings)
    return Report(
        source=settings.producer.source,
        source_detail=source_detail(settings.producer),
        interval=job.base_interval,
        interval_ms=job.interval_seconds * 1000,
        coins=coins,
        counts=counts,
        settings=run_settings(settings),
        omissions=left_out,
        made_at_ms=now_ms,
    )


def _newest_bars(final: DataFrame, settings: Settings) -> tuple[tuple[CoinBars, ...], tuple[str, ...]]:
    real = final.filter(~f.col("gap"))
    total = real.agg(f.unix_millis(f.max("window_start")).alias("newest"), f.count("*").alias("bars")).collect()[0]
    if total["newest"] is None:
        return (), ()
    from_ms = total["newest"] - (MAX_WINDOWS - 1) * settings.job.interval_seconds * 1000
    # A comparison with the bare column: Delta then skips the files of older bars.
    recent = final.filter(f.col("window_start") >= f.timestamp_millis(f.lit(from_ms)))
    # Gaps say since when a coin has been silent.
    bars, newest = f.count_if(~f.col("gap")).alias("bars"), f.max_by("stale", "window_start").alias("is_stale")
    markets = recent.groupBy(*_MARKET).agg(bars, newest).filter("bars > 0").cache()
    try:
        known = markets.agg(f.count("*").alias("markets"), f.sum("bars").alias("bars")).collect()[0]
        shown = markets.orderBy(*_order(settings.producer)).limit(MAX_COINS).select(*_MARKET, "is_stale").collect()
    finally:
        markets.unpersist()
    found = _collect(recent.filter(~f.col("gap")), shown)
    coins = tuple(_coin(row, found) for row in shown)
    others, older = known["markets"] - len(shown), total["bars"] - known["bars"]
    return coins, omissions(others=others, older_bars=older, windows=MAX_WINDOWS)


def _coin(row: Row, found: dict[tuple[str, ...], list[Bar]]) -> CoinBars:
    market = row["coin_id"], row["vs_currency"]
    return CoinBars(*market, tuple(found[market]), is_stale=bool(row["is_stale"]))


def _order(producer: ProducerSettings) -> list[Column]:
    """Coins as the settings list them, then the others by name; the currencies of each likewise."""
    keys: list[Column] = []
    for column, listed in zip(_MARKET, (producer.coins, producer.vs_currencies), strict=True):
        # By its name, since f.array_position() takes no column to look for. Zero is what is not in the list.
        names = f.array(*(f.lit(name) for name in listed))
        position = f.call_function("array_position", names, f.col(column))
        keys += [f.when(position > 0, position).asc_nulls_last(), f.col(column).asc()]
    return keys


def _collect(recent: DataFrame, markets: list[Row]) -> dict[tuple[str, ...], list[Bar]]:
    wanted = [f.struct(*(f.lit(row[name]).alias(name) for name in _MARKET)) for row in markets]
    # Times as numbers: a timestamp would come over as a time of this machine's zone.
    start = f.unix_millis("window_start")
    bars = recent.filter(f.struct(*_MARKET).isin(wanted)).select(
        *_MARKET, start, "open", "high", "low", "close", "tick_count"
    )
    found: dict[tuple[str, ...], list[Bar]] = {}
    for coin, currency, *values in sorted(bars.collect()):
        found.setdefault((coin, currency), []).append(Bar(*values))
    return found
