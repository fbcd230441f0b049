"""History in files: ticks or candles in CSV, JSON lines or Parquet become rows that the stages take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame, SparkSession

from pricestream.settings import Settings


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
    raise NotImplementedError


def read_coingecko_history(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Read fetched history: JSON lines of coin_id, vs_currency, event_time (epoch ms), price, market_cap, volume_24h.

    Returns:
        Columns of :data:`jobs.schema.PARSED`, ``source`` is :data:`jobs.schema.HISTORY_SOURCE`.

    Raises:
        SourceError: a file is not there.
    """
    raise NotImplementedError
