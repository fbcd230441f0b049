"""Backfill: history lands in ``ticks``, then its range becomes bars and files by the functions of the stream."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from rich.console import Console

from jobs.application import open_session
from jobs.history_coingecko import fetch_history
from jobs.history_files import CandleHistory, open_history, read_coingecko_history
from jobs.horizon import closed_through_ms
from jobs.landing import Landed, land, take_in_late
from jobs.schema import OK
from jobs.sink import BarSink
from jobs.stragglers import rebuild
from jobs.tables import create_tables, read_ticks
from jobs.window import window_start
from pricestream.errors import SettingsError
from pricestream.settings import Settings

log = logging.getLogger(__name__)

_SOURCES: Final = ("ticks", "coingecko", "files")


@dataclass(frozen=True)
class Range:
    """The UTC days ``[first, end)``."""

    first: date
    end: date

    @classmethod
    def parse(cls, first: str, end: str) -> "Range":
        """Read two ISO dates.

        Raises:
            SettingsError: one is no date, or there is no day between them.
        """
        days = cls(_date("--from", first), _date("--to", end))
        if days.end <= days.first:
            raise SettingsError(f"--to {end}: must lie after --from {first}; the day of --to is not included")
        return days

    @property
    def start_s(self) -> int:
        """Its begin, epoch seconds."""
        return _midnight(self.first)

    @property
    def end_s(self) -> int:
        """Its end, epoch seconds."""
        return _midnight(self.end)

    def days(self) -> Iterator[date]:
        """Give each day."""
        for number in range((self.end - self.first).days):
            yield self.first + timedelta(days=number)


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
    fetched = _fetch(settings, order)
    if order.dry_run:
        return
    days, coins = order.days, order.coins
    with open_session(settings.job) as spark:
        create_tables(spark, settings.job)
        land_history(spark, settings, order, fetched)
        count = rebuild_range(spark, settings, days, coins)
        log.info("%d bars from %s to %s are as ticks has them", count, days.first, days.end)


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
        SettingsError: they hold candles.
    """
    if order.source == "files" and order.path is not None:
        history = open_history(
            spark,
            settings,
            order.path,
            coin_id=order.coin_id,
            vs_currency=order.vs_currency,
            candle_interval=None,
            candle_stamp="start",
        )
        if isinstance(history, CandleHistory):
            raise SettingsError(f"{order.path}: holds candles, which can not be taken in yet; give a file of ticks")
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


def rebuild_range(spark: SparkSession, settings: Settings, days: Range, coins: Sequence[str]) -> int:
    """Compute the bars of a range anew from ``ticks``, a day at a time. Returns how many were computed.

    Windows that the stream has not closed yet are left to it. A bar that comes out as it was is left alone.

    Args:
        spark: the session.
        settings: where the tables are.
        days: the UTC days.
        coins: only these; empty is all.
    """
    sink = BarSink(settings, settings.job.base_interval)
    closed_ms = closed_through_ms(read_ticks(spark, settings.job), settings.job)
    count = 0
    for day in days.days():
        windows = _windows(spark, settings, day, coins)
        if closed_ms is not None:
            length = f.expr(f"INTERVAL {settings.job.interval_seconds} SECONDS")
            windows = windows.filter(f.col("window_start") + length <= f.timestamp_millis(f.lit(closed_ms)))
        done = rebuild(windows, settings, sink)
        log.info("%s: %d bars", day, done)
        count += done
    return count


def _windows(spark: SparkSession, settings: Settings, day: date, coins: Sequence[str]) -> DataFrame:
    ticks = read_ticks(spark, settings.job).filter((f.col("date") == f.lit(day)) & (f.col("status") == OK))
    chosen = ticks.filter(f.col("coin_id").isin(list(coins))) if coins else ticks
    start = window_start("event_time", settings.job.interval_seconds).alias("window_start")
    return chosen.select("coin_id", "vs_currency", start).distinct()


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _date(option: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise SettingsError(f"{option} {text}: is no date; write it such as 2026-01-31") from None
