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
        tick_id(
            coin_id=f.col("record.coin_id"),
            vs_currency=f.col("record.vs_currency"),
            event_time_ms=f.col("record.event_time"),
            event_seq=f.col("record.event_seq"),
            price=f.col("record.price"),
        ).alias("tick_id"),
        "payload",
        "partition_key",
        "sequence_number",
        "arrived_at",
    ).select(*PARSED.names)


def _timestamp(milliseconds: str) -> Column:
    # The bounds come first: a number of 19 digits would overflow timestamp_millis and end the stream.
    is_plausible = f.col(milliseconds).between(EARLIEST_MS, LATEST_MS)
    return f.when(is_plausible, f.expr(f"timestamp_millis({milliseconds})"))


def tick_id(*, coin_id: Column, vs_currency: Column, event_time_ms: Column, event_seq: Column, price: Column) -> Column:
    """Hash what makes a tick the tick it is: the same wherever it came from, and however often.

    64 bits are enough: equality is only ever asked among the ticks of one coin on one date.

    Args:
        coin_id: text.
        vs_currency: text.
        event_time_ms: a whole number of 64 bits, as the others are of the types of :data:`jobs.schema.RECORD`.
        event_seq: may be null.
        price: the number itself, not a text of it.
    """
    # xxhash64 passes over nulls, so that (1, null) and (null, 1) would be one; -1 is no trade id.
    return f.xxhash64(coin_id, vs_currency, event_time_ms, f.coalesce(event_seq, f.lit(-1)), price)
