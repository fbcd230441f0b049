"""The schemas that the stages end in, and the names of the values they hold."""

from typing import Final

from pyspark.sql import types as t

#: What both Kinesis connectors give.
KINESIS: Final = t.StructType(
    [
        t.StructField("data", t.BinaryType()),
        t.StructField("streamName", t.StringType()),
        t.StructField("partitionKey", t.StringType()),
        t.StructField("sequenceNumber", t.StringType()),
        t.StructField("approximateArrivalTimestamp", t.TimestampType()),
    ]
)


def _record(time: t.DataType) -> list[t.StructField]:
    return [
        t.StructField("v", t.IntegerType()),
        t.StructField("coin_id", t.StringType()),
        t.StructField("vs_currency", t.StringType()),
        t.StructField("price", t.DoubleType()),
        t.StructField("market_cap", t.DoubleType()),
        t.StructField("volume_24h", t.DoubleType()),
        t.StructField("change_24h_pct", t.DoubleType()),
        t.StructField("event_time", time),
        t.StructField("polled_at", time),
        t.StructField("event_seq", t.LongType()),
        t.StructField("producer_id", t.StringType()),
        t.StructField("seq", t.LongType()),
        t.StructField("source", t.StringType()),
    ]


#: The JSON of a record, as :class:`pricestream.tick.Tick` writes it. Times are epoch milliseconds.
RECORD: Final = t.StructType(_record(t.LongType()))

#: A record taken apart. Times are timestamps, null where the record's are missing or absurd.
PARSED: Final = t.StructType(
    [
        *_record(t.TimestampType()),
        t.StructField("tick_id", t.LongType()),
        t.StructField("payload", t.BinaryType()),
        t.StructField("partition_key", t.StringType()),
        t.StructField("sequence_number", t.StringType()),
        t.StructField("arrived_at", t.TimestampType()),
    ]
)

#: The ``ticks`` table: every record that was read, with what became of it.
TICKS: Final = t.StructType(
    [
        # First, because Delta keeps statistics of the leading columns and readers skip files by them.
        t.StructField("event_time", t.TimestampType()),
        t.StructField("status", t.StringType()),
        t.StructField("reason", t.StringType()),
        *(field for field in PARSED if field.name != "event_time"),
        t.StructField("ingested_at", t.TimestampType()),
        #: Null for what the stream read; else the backfill or repair that added the row.
        t.StructField("added_by", t.StringType()),
        t.StructField("date", t.DateType()),
    ]
)

OK: Final = "ok"
LATE: Final = "late"
REJECTED: Final = "rejected"
HEARTBEAT: Final = "heartbeat"
STATUSES: Final = (OK, LATE, REJECTED, HEARTBEAT)

#: What names a bar of one interval.
BAR_KEY: Final = ("coin_id", "vs_currency", "window_start")

#: The rows of ``bars`` that follow each other.
SERIES: Final = ("coin_id", "vs_currency", "interval")

#: Over the rows of a series, the oldest first, in SQL.
IN_ORDER: Final = f"(PARTITION BY {', '.join(SERIES)} ORDER BY window_start)"

#: What names a row of ``bars``.
ROW_KEY: Final = (*SERIES, "window_start")

#: What a bar says of its window, a function of what the window holds alone.
BAR_STATISTICS: Final = (
    "open",
    "high",
    "low",
    "close",
    "mean",
    "twap",
    "stddev",
    "tick_count",
    "late_count",
    "first_tick_at",
    "last_tick_at",
    "return_pct",
    "realized_volatility",
    "origin",
)

#: What a bar says of the bars before it, a function of its own and at most ``lookback_bars`` - 1 windows behind it.
BAR_INDICATORS: Final = (
    "log_return",
    "sma",
    "ema",
    "bollinger_lower",
    "bollinger_upper",
    "rsi",
    "anomaly",
    "stale",
)

#: The ``bars`` table.
BARS: Final = t.StructType(
    [
        t.StructField("coin_id", t.StringType()),
        t.StructField("vs_currency", t.StringType()),
        t.StructField("interval", t.StringType()),
        t.StructField("window_start", t.TimestampType()),
        t.StructField("window_end", t.TimestampType()),
        t.StructField("open", t.DoubleType()),
        t.StructField("high", t.DoubleType()),
        t.StructField("low", t.DoubleType()),
        t.StructField("close", t.DoubleType()),
        t.StructField("mean", t.DoubleType()),
        t.StructField("twap", t.DoubleType()),
        t.StructField("stddev", t.DoubleType()),
        t.StructField("tick_count", t.LongType()),
        #: How many of them had been set aside as late and were taken in by a backfill.
        t.StructField("late_count", t.LongType()),
        t.StructField("first_tick_at", t.TimestampType()),
        t.StructField("last_tick_at", t.TimestampType()),
        t.StructField("return_pct", t.DoubleType()),
        t.StructField("realized_volatility", t.DoubleType()),
        t.StructField("log_return", t.DoubleType()),
        t.StructField("sma", t.DoubleType()),
        t.StructField("ema", t.DoubleType()),
        t.StructField("bollinger_lower", t.DoubleType()),
        t.StructField("bollinger_upper", t.DoubleType()),
        t.StructField("rsi", t.DoubleType()),
        t.StructField("anomaly", t.BooleanType()),
        t.StructField("stale", t.BooleanType()),
        #: The window has closed without a tick; every statistic is null, and the count 0.
        t.StructField("gap", t.BooleanType()),
        #: What the bar is made of, one of :data:`ORIGINS`; null in a gap.
        t.StructField("origin", t.StringType()),
        t.StructField("is_final", t.BooleanType()),
        t.StructField("revision", t.IntegerType()),
        t.StructField("date", t.DateType()),
    ]
)

#: The ``source`` of ticks that are points of a price history, an hour or so apart.
HISTORY_SOURCE: Final = "backfill"

#: The ``reason`` in the row of a late tick that a backfill took in.
TAKEN_IN: Final = "late_taken_in"

TICKS_ORIGIN: Final = "ticks"
HISTORY_ORIGIN: Final = "history"
CANDLES_ORIGIN: Final = "candles"
ROLLED_CANDLES_ORIGIN: Final = "rolled_candles"
#: What bars are made of, the finest first: ticks, points of a fetched history, a candle of this very window that
#: somebody else made, candles of the base interval. Of one window the finest stands.
ORIGINS: Final = (TICKS_ORIGIN, HISTORY_ORIGIN, CANDLES_ORIGIN, ROLLED_CANDLES_ORIGIN)
