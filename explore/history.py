"""History: a lake made anew from the ticks of another, to try a backfill, a loss and a repair where it hurts nobody."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pandas as pd
from pyspark.sql import functions as f
from rich.console import Console

from coingecko.clock import VirtualClock
from explore.place import Place
from explore.tree import csv_store, file_hashes
from jobs.backfill import Order, land_history, rebuild_range
from jobs.checkpoint import open_checkpoint
from jobs.days import Range, midnight
from jobs.drivers import keep_alone
from jobs.history_coingecko import fetch_history
from jobs.storage import S3_SCHEMES, local_path, open_store, spark_path
from jobs.tables import append_ticks, create_tables, read_ticks
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from producer.market import Market
from producer.server import MarketServer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FOLDER: Final = "rehearsal"
#: The made-up market takes any key, and sends it nowhere but to itself.
_KEY_VARIABLE: Final = "PRICESTREAM_MADE_UP_KEY"
_DAY: Final = timedelta(days=1)

SAME, OPEN, DIFFERS, LACKING, MORE = "same bytes", "still open", "differs", "lacking", "more"


@dataclass(frozen=True)
class Rehearsal:
    """A lake beside another, with that one's ticks."""

    place: Place
    #: The days that it has ticks of.
    days: Range
    #: Up to when the other's stream has closed windows, epoch seconds.
    closed_s: int


def rehearse(place: Place, spark: "SparkSession") -> Rehearsal:
    """Make a lake of its own, in a folder beside ``job.csv``, and copy into it the ticks of all closed windows.

    What an earlier rehearsal has left there is removed.

    Raises:
        StorageError: the stream has not closed a window yet, or the lake cannot be used.
    """
    closed_s = open_checkpoint(place.settings).closed_through_s()
    ticks = read_ticks(spark, place.settings.job).filter(f.col("event_time") < f.timestamp_seconds(f.lit(closed_s)))
    [(first, last)] = ticks.filter("status = 'ok'").agg(f.min("date"), f.max("date")).collect()
    if not closed_s or first is None:
        raise StorageError(
            f"{place.settings.job.checkpoint}: the stream has not closed a window yet; run 02_stream first"
        )
    base = f"{place.settings.job.csv.rstrip('/').rpartition('/')[0]}/{_FOLDER}"
    _remove(place, base)
    own = _moved(place, base)
    create_tables(spark, own.settings.job)
    append_ticks(ticks, own.settings.job)
    return Rehearsal(own, Range(first, last + _DAY), closed_s)


def backfill(place: Place, spark: "SparkSession", days: Range, coins: Sequence[str] = ()) -> int:
    """Make bars and files of some days anew from ``ticks``. Returns how many bars were computed.

    Raises:
        PricestreamError: the lake cannot be used.
    """
    with keep_alone(place.settings, alone=False):
        return rebuild_range(spark, place.settings, days, coins)


def fill_from_history(place: Place, spark: "SparkSession", day: date, coins: Sequence[str]) -> int:
    """Fetch a day's prices from CoinGecko's history, or the made-up market's, and make bars of them.

    Returns:
        How many bars were computed.

    Raises:
        PricestreamError: CoinGecko refuses, or the lake cannot be used.
    """
    days = Range(day, day + _DAY)
    order = Order(days, tuple(coins), source="coingecko")
    with history_of(place, days) as asked:
        fetched = fetch_history(
            asked.settings,
            start_s=days.start_s,
            end_s=days.end_s,
            coins=coins,
            dry_run=False,
            console=Console(quiet=True),
        )
    with keep_alone(place.settings, alone=False):
        land_history(spark, place.settings, order, fetched)
        return rebuild_range(spark, place.settings, days, coins)


def lose(rehearsal: Rehearsal, spark: "SparkSession", coin_id: str) -> list[str]:
    """Lose the newest file of the base interval, and every bar of a coin. Returns what was lost, in words.

    Raises:
        StorageError: this is no rehearsal.
    """
    from delta.tables import DeltaTable

    job = rehearsal.place.settings.job
    if f"/{_FOLDER}/" not in job.bars:
        raise StorageError(f"{job.bars}: is no rehearsal; nothing is lost on purpose but there")
    store = csv_store(rehearsal.place)
    newest = max(store.list_keys(f"interval={job.base_interval}"))
    store.remove(newest)
    bars = DeltaTable.forPath(spark, spark_path(job.bars))
    is_of_coin = f.col("coin_id") == coin_id
    count = bars.toDF().filter(is_of_coin).count()
    bars.delete(is_of_coin)
    return [f"the file {newest}", f"{count} rows of {coin_id} in the table of bars"]


def compare(stream: Place, other: Place, closed_s: int) -> pd.DataFrame:
    """Hold the files of a tree against those that the stream made, byte for byte.

    Args:
        stream: whose tree is right.
        other: whose tree is judged.
        closed_s: up to when the stream has closed windows, epoch seconds; a file of a later hour or day may differ.

    Returns:
        ``file`` and ``verdict``: ``same bytes``, ``differs``, ``lacking``, ``more`` (the stream has no such file yet),
        or ``still open``.
    """
    right, judged = file_hashes(stream), file_hashes(other)
    rows = []
    for key in sorted(right.keys() | judged.keys()):
        if right.get(key) == judged.get(key):
            verdict = SAME
        elif _end_s(key) > closed_s:
            verdict = MORE if key not in right else OPEN
        else:
            verdict = LACKING if key not in judged else DIFFERS
        rows.append({"file": key, "verdict": verdict})
    return pd.DataFrame(rows, columns=["file", "verdict"])


def verdicts(comparison: pd.DataFrame) -> dict[str, int]:
    """Count the verdicts of a comparison."""
    return {str(verdict): int(count) for verdict, count in comparison["verdict"].value_counts().items()}


def _end_s(key: str) -> int:
    """Tell when the span that a file of the tree covers ends, epoch seconds."""
    interval, day, hour = (part.partition("=")[2] for part in key.split("/")[:3])
    start = midnight(date.fromisoformat(day)) + int(hour) * 3_600
    return start + (3_600 if interval_seconds(interval) < 3_600 else 86_400)


def _moved(place: Place, base: str) -> Place:
    job = place.settings.job
    below = {name: f"{base}/{name}" for name in ("ticks", "bars", "csv", "checkpoint")}
    files = {"stop_file": f"{base}/STOP", "status_file": f"{base}/status.json", "report": None}
    history = job.backfill.model_copy(update={"history": f"{base}/history"})
    moved = job.model_copy(update={**below, **files, "backfill": history})
    return replace(place, settings=place.settings.model_copy(update={"job": moved}))


def _remove(place: Place, base: str) -> None:
    if urlsplit(base).scheme not in S3_SCHEMES:
        shutil.rmtree(local_path(base), ignore_errors=True)
        return
    store = open_store(base, place.settings.job.s3, place.settings.stream.region)
    for key in list(store.list_keys()):
        store.remove(key)


@contextmanager
def history_of(place: Place, days: Range) -> Iterator[Place]:
    """Give the place with who is asked for history: where prices are made up, the market of the same seed."""
    settings = place.settings
    if settings.producer.source != "simulated":
        yield place
        return
    # At the end of that day, when there are still points of every 5 minutes.
    market = Market(settings.producer.simulated.seed, days.start_s * 1000, 60)
    clock = VirtualClock(days.end_s * 1000)
    os.environ[_KEY_VARIABLE] = "made-up"
    with MarketServer(market, clock) as server:
        # CoinGecko's free plans reach back a year only, and the made-up market lies in a year that passes.
        asked = {"base_url": server.url, "plan": "pro", "api_key_env": _KEY_VARIABLE}
        api = settings.producer.coingecko.model_copy(update=asked)
        producer = settings.producer.model_copy(update={"coingecko": api})
        yield replace(place, settings=settings.model_copy(update={"producer": producer}))
