"""Parse: the bytes of a record become typed columns. Nothing is judged and nothing is dropped here."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from jobs.schema import PARSED, RECORD
from pricestream.tick import EARLIEST_MS, LATEST_MS


def parse(records: DataFrame) -> DataFrame:
    """Take Kinesis records apart.

    Args:
        records: columns of :data:`jobs.schema.KINESIS`.

    Returns:
        One row per record, columns of :data:`jobs.schema.PARSED`. A field that is missing or of
        the wrong type is null, and so is every field where the payload is no JSON object.
    """
    taken_apart = records.select(
        f.from_json(f.col("data").cast("string"), RECORD).alias("record"),
        f.col("data").alias("payload"),
        f.col("partitionKey").alias("partition_key"),
        f.col("sequenceNumber").alias("sequence_number"),
        f.col("approximateArrivalTimestamp").alias("arrived_at"),
    )
    fields = [f.col(f"record.{name}") for name in RECORD.names if name not in ("event_time", "polled_at")]
    return taken_apart.select(
        *fields,
        _timestamp("record.event_time").alias("event_time"),
        _timestamp("record.polled_at").alias("polled_at"),
        _tick_id().alias("tick_id"),
        "payload",
        "partition_key",
        "sequence_number",
        "arrived_at",
    ).select(*PARSED.names)


def _timestamp(milliseconds: str) -> Column:
    # The bounds come first: a number of 19 digits would overflow timestamp_millis and end the stream.
    is_plausible = f.col(milliseconds).between(EARLIEST_MS, LATEST_MS)
    return f.when(is_plausible, f.expr(f"timestamp_millis({milliseconds})"))


def _tick_id() -> Column:
    # 64 bits are enough: equality is only ever asked among the ticks of one coin in one window.
    identity = ("coin_id", "vs_currency", "event_time", "event_seq", "price")
    # xxhash64 passes over nulls, so that (1, null) and (null, 1) would be one; -1 is no trade id.
    columns = [
        f.coalesce(f.col("record.event_seq"), f.lit(-1)) if name == "event_seq" else f.col(f"record.{name}")
        for name in identity
    ]
    return f.xxhash64(*columns)
