"""History in files: ticks or candles in CSV, JSON lines or Parquet become rows that the stages take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.candle_length import candle_interval as find_candle_interval
from jobs.candle_length import refuse_shorter_candles
from jobs.candles import CANDLES, CONTRADICTS, NOT_ALIGNED, judge_candles, once_each
from jobs.history_find import CSV, JSON, PARQUET, explained, find_files, peek, plain_path
from jobs.history_ids import IdRule, id_rule
from jobs.history_layout import Layout
from jobs.history_parse import parse_candles, parse_ticks
from jobs.history_rows import csv_rows, json_rows, parquet_rows
from jobs.schema import HISTORY_SOURCE
from jobs.storage import spark_path
from pricestream.errors import SettingsError
from pricestream.interval import interval_seconds
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings

_READERS: Final = {CSV: csv_rows, JSON: json_rows, PARQUET: parquet_rows}

_ROWS_A_PARTITION: Final = 1_000_000
#: So many candles that all lie on the hour are not minutes that happen to.
_ENOUGH_ROWS: Final = 10

#: What the fetched history is written as.
_COINGECKO: Final = Layout(
    "ticks",
    ("coin_id", "vs_currency", "event_time", "price", "market_cap", "volume_24h"),
    {"coin_id": 0, "vs_currency": 1, "time": 2, "price": 3, "market_cap": 4, "volume_24h": 5},
    sample=(),
)


@dataclass(frozen=True)
class TickHistory:
    """Files of ticks."""

    #: Columns of :data:`jobs.schema.PARSED`, one row for each of the files', none left out.
    ticks: DataFrame


@dataclass(frozen=True)
class CandleHistory:
    """Files of candles."""

    #: Columns of :data:`jobs.candles.CANDLES`, each window once.
    candles: DataFrame
    #: How long they are: an interval of the job.
    interval: str
    #: How many rows make no sense, by reason.
    rejected: Mapping[str, int]


def open_history(
    spark: SparkSession,
    settings: Settings,
    path: str,
    *,
    coin_id: str | None,
    vs_currency: str | None,
    candle_interval: str | None,
    candle_stamp: Literal["start", "end"],
) -> TickHistory | CandleHistory:
    """See what the files at a path are, and read them.

    Args:
        spark: the session.
        settings: name the intervals that candles may have.
        path: a file, a folder or a glob, local or on S3.
        coin_id: whose prices they are, where the files do not say.
        vs_currency: in which currency, where the files do not say.
        candle_interval: how long candles are; None takes the most common distance between them.
        candle_stamp: whether a candle's time is its start, as is usual, or its end.

    Raises:
        SourceError: the files cannot be read or understood.
        SettingsError: candles have a length that is no interval of the job.
    """
    files = find_files(spark, path)
    layout = peek(spark, files)
    rules = {
        "coin_id": id_rule(files.first, layout, "coin_id", coin_id),
        "vs_currency": id_rule(files.first, layout, "vs_currency", vs_currency),
    }
    rows = _READERS[files.kind](spark, files.spark_path, layout)
    if layout.kind == "ticks":
        return TickHistory(parse_ticks(rows, rules, source="replay"))
    interval = find_candle_interval(files.first, layout, settings.job, candle_interval)
    candles = judge_candles(parse_candles(rows, rules, interval=interval, stamp=candle_stamp))
    with explained(path):
        return _candle_history(candles, interval, settings.job)


def _candle_history(judged: DataFrame, interval: str, job: JobSettings) -> CandleHistory:
    """Count what is turned away, which takes two looks at the files, and leave the reading of the rest to others."""
    rejected, rows = _count(judged, interval, job)
    partitions = -(-rows // _ROWS_A_PARTITION)
    windows = once_each(
        judged.filter(f.col("reason").isNull()),
        partitions=partitions if partitions > job.spark.shuffle_partitions else None,
    )
    [differing] = windows.filter(~f.col("is_certain")).agg(f.sum("rows").alias("rows")).collect()
    if differing["rows"]:
        rejected[CONTRADICTS] = differing["rows"]
    return CandleHistory(windows.filter("is_certain").select(*CANDLES.names), interval, dict(rejected))


def _count(judged: DataFrame, interval: str, job: JobSettings) -> tuple[Counter[str], int]:
    """Count candles that are turned away, by reason, and those that are not.

    Raises:
        SourceError: a file's candles are shorter.
        SettingsError: a file's candles are longer than it was said or another file's: they would pass
            for short ones with gaps between them.
    """
    seconds = interval_seconds(interval)
    longer = [name for name in job.all_intervals if interval_seconds(name) > seconds]
    start = f.unix_seconds("window_start")
    all_on = [f.bool_and(f.pmod(start, f.lit(interval_seconds(name))) == 0).alias(name) for name in longer]
    counts = judged.groupBy("file", "reason").agg(f.count("*").alias("rows"), *all_on).collect()
    for row in counts:
        wide = [name for name in longer if row[name]]
        if row["reason"] is None and row["rows"] >= _ENOUGH_ROWS and wide:
            raise SettingsError(
                f"{plain_path(row['file'])}: its candles are {wide[-1]} apart and not {interval}; import candles of "
                f"one length at a time, and say how long they are with --candle-interval"
            )
    if odd := {row["file"] for row in counts if row["reason"] == NOT_ALIGNED}:
        refuse_shorter_candles(judged, interval, odd)
    rejected: Counter[str] = Counter()
    for row in counts:
        if row["reason"] is not None:
            rejected[row["reason"]] += row["rows"]
    return rejected, sum(row["rows"] for row in counts if row["reason"] is None)


def read_coingecko_history(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Read fetched history: JSON lines of coin_id, vs_currency, event_time (epoch ms), price, market_cap, volume_24h.

    Returns:
        Columns of :data:`jobs.schema.PARSED`, ``source`` is :data:`jobs.schema.HISTORY_SOURCE`.

    Raises:
        SourceError: a file is not there.
    """
    with explained(paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"):
        rows = json_rows(spark, [spark_path(path) for path in paths], _COINGECKO)
    return parse_ticks(rows, {what: IdRule(column=what) for what in ("coin_id", "vs_currency")}, source=HISTORY_SOURCE)
