"""Parse history: the rows of files become typed columns. Nothing is judged and nothing is dropped here."""

from collections.abc import Mapping
from typing import Final, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from jobs.history_ids import IdRule, folder_pattern
from jobs.history_layout import PRICES
from jobs.history_values import moment, number, whole_number
from jobs.parse import tick_id
from jobs.schema import PARSED
from pricestream.interval import interval_seconds
from pricestream.tick import CONTRACT_VERSION

_OPTIONAL: Final = ("market_cap", "volume_24h")


def parse_ticks(rows: DataFrame, rules: Mapping[str, IdRule], *, source: str) -> DataFrame:
    """Make rows of ticks into what :func:`jobs.validate.validate` judges.

    Times are cut to milliseconds, as they are on the stream, so that a tick is the same tick
    wherever it came from. A history has no polls: an event counts as polled when it happened.

    Args:
        rows: see :mod:`jobs.history_rows`.
        rules: where ``coin_id`` and ``vs_currency`` are.
        source: what the rows say as theirs.

    Returns:
        One row for each, columns of :data:`jobs.schema.PARSED`; null where a value cannot be read,
        and ``v`` where the row cannot.
    """
    has = set(rows.columns)
    typed = rows.select(
        "payload",
        *(_id(rules[what], what).alias(what) for what in ("coin_id", "vs_currency")),
        f.unix_millis(moment("time", rows.schema["time"].dataType)).alias("event_ms"),
        number("price").alias("price"),
        *(number(what).alias(what) for what in _OPTIONAL if what in has),
        *([whole_number("event_seq").alias("event_seq")] if "event_seq" in has else []),
        (f.col("is_whole") & _is_readable("event_seq", has)).alias("is_whole"),
    )
    event_seq = f.col("event_seq") if "event_seq" in has else f.lit(None).cast("bigint")
    known: dict[str, Column] = {
        "v": f.when(f.col("is_whole"), f.lit(CONTRACT_VERSION)),
        **{name: f.col(name) for name in ("coin_id", "vs_currency", "price", "payload")},
        **{name: f.col(name) for name in _OPTIONAL if name in has},
        "event_time": f.timestamp_millis("event_ms"),
        "polled_at": f.timestamp_millis("event_ms"),
        "event_seq": event_seq,
        "source": f.lit(source),
        "tick_id": tick_id(
            coin_id=f.col("coin_id"),
            vs_currency=f.col("vs_currency"),
            event_time_ms=f.col("event_ms"),
            event_seq=event_seq,
            price=f.col("price"),
        ),
        "partition_key": f.col("coin_id"),
    }
    columns = [known.get(field.name, f.lit(None)).cast(field.dataType).alias(field.name) for field in PARSED]
    return typed.select(*columns).select(*PARSED.names)


def parse_candles(
    rows: DataFrame, rules: Mapping[str, IdRule], *, interval: str, stamp: Literal["start", "end"]
) -> DataFrame:
    """Make rows of candles into what :mod:`jobs.candles` judges.

    Args:
        rows: see :mod:`jobs.history_rows`.
        rules: where ``coin_id`` and ``vs_currency`` are.
        interval: how long the candles are.
        stamp: whether a candle's time is its start or its end.

    Returns:
        One row for each: the columns of :data:`jobs.candles.CANDLES`, null where a value cannot be
        read, ``is_whole`` and ``file``.
    """
    length = f.expr(f"INTERVAL {interval_seconds(interval)} SECONDS")
    time = moment("time", rows.schema["time"].dataType)
    typed = rows.select(
        *(_id(rules[what], what).alias(what) for what in ("coin_id", "vs_currency")),
        f.lit(interval).alias("interval"),
        (time if stamp == "start" else time - length).alias("window_start"),
        *(number(name).alias(name) for name in PRICES),
        "is_whole",
        "file",
    )
    return typed.withColumn("window_end", f.col("window_start") + length)


def _is_readable(what: str, has: set[str]) -> Column:
    """Tell whether a value is a whole number, or is not there; one that is something else is no null."""
    if what not in has:
        return f.lit(True)
    text = f.col(what).cast(t.StringType())
    return whole_number(what).isNotNull() | text.isNull() | (f.trim(text) == "")


def _id(rule: IdRule, what: str) -> Column:
    if rule.is_in_path:
        return f.regexp_extract("file", folder_pattern(what), 1)
    if rule.column is None:
        return f.lit(rule.value)
    column = f.col(rule.column).cast(t.StringType())
    if rule.only is not None:
        return f.when(column == rule.only, f.lit(rule.value))
    return f.lower(column) if rule.column == "symbol" else column
