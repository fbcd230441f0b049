"""Gaps: which numbers of which producers are not there.

The numbers are counted in buckets first. Gaps between buckets show in the counts; only buckets that are not full
are sorted, so that no producer, however long it has been sending, is ever sorted whole.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as f

from jobs.audit_scope import Dates
from jobs.schema import REJECTED

_BUCKET: Final = 100_000


def find_bounds(counted: DataFrame, dates: Dates) -> DataFrame:
    """Find between which numbers of each producer all must be there.

    A rejected record fills its number, but is not trusted with saying how far a producer has counted.

    Args:
        counted: columns of :data:`jobs.schema.TICKS`.
        dates: on which a record was polled; where they have no beginning, numbers begin at 1.

    Returns:
        ``producer_id``, ``low``, ``high`` (null where it has no number), and ``unnumbered``: how many
        accepted rows have no number or no producer.
    """
    is_numbered = f.coalesce(f.col("producer_id").isNotNull() & (f.col("seq") >= 1), f.lit(False))
    number = f.when(is_numbered, f.col("seq"))
    accepted = counted.filter((f.col("status") != REJECTED) & dates.include("polled_at"))
    return accepted.groupBy("producer_id").agg(
        (f.lit(1).cast("long") if dates.first is None else f.min(number)).alias("low"),
        f.max(number).alias("high"),
        f.count_if(~is_numbered).alias("unnumbered"),
    )


def within_bounds(counted: DataFrame, bounds: DataFrame) -> DataFrame:
    """Keep the rows whose number lies within their producer's bounds, with ``low`` and the ``bucket`` it falls into."""
    limits = f.broadcast(bounds.select("producer_id", "low", "high"))
    within = counted.join(limits, "producer_id").filter(f.col("seq").between(f.col("low"), f.col("high")))
    return within.withColumn("bucket", f.floor(f.col("seq") / _BUCKET))


def find_numbers(within: DataFrame) -> DataFrame:
    """Give each number once, with when its records were polled and came (epoch ms).

    ``is_double`` tells that two records with different content carry it.
    """
    payload = f.xxhash64("payload")
    # Nothing but values of fixed length, so that Spark hashes and need not sort.
    return within.groupBy("producer_id", "low", "bucket", "seq").agg(
        f.min(f.unix_millis("polled_at")).alias("polled_first"),
        f.max(f.unix_millis("polled_at")).alias("polled_last"),
        f.min(f.unix_millis("arrived_at")).alias("arrived_first"),
        f.max(f.unix_millis("arrived_at")).alias("arrived_last"),
        (f.min(payload) != f.max(payload)).alias("is_double"),
    )


def fill_buckets(numbers: DataFrame) -> DataFrame:
    """Count the numbers in each bucket, with the smallest and the greatest of them and their times."""
    return numbers.groupBy("producer_id", "low", "bucket").agg(
        f.count("*").alias("count"),
        f.count_if("is_double").alias("doubles"),
        f.min("seq").alias("first"),
        f.max("seq").alias("last"),
        # A gap lies before the latest moment of the record behind it, and behind the earliest of the one before.
        f.min_by("polled_last", "seq").alias("first_polled"),
        f.min_by("arrived_last", "seq").alias("first_arrived"),
        f.max_by("polled_first", "seq").alias("last_polled"),
        f.max_by("arrived_first", "seq").alias("last_arrived"),
    )


def find_gaps(within: DataFrame, buckets: DataFrame) -> DataFrame:
    """Find every range of numbers that is not there.

    Returns:
        ``producer_id``, ``from_seq`` and ``to_seq`` (both missing), ``is_beginning`` (none is there before), and
        ``before_polled``, ``before_arrived``, ``behind_polled``, ``behind_arrived``: the neighbours' times, epoch ms.
    """
    return _between(buckets).unionByName(_inside(within, buckets))


def _between(buckets: DataFrame) -> DataFrame:
    """Find gaps before the first number of a producer, and between one bucket and the next."""
    in_order = Window.partitionBy("producer_id").orderBy("bucket")
    linked = buckets.select(
        "producer_id",
        "low",
        *_before(in_order, "last", "last_polled", "last_arrived"),
        f.col("first").alias("number"),
        f.col("first_polled").alias("behind_polled"),
        f.col("first_arrived").alias("behind_arrived"),
    )
    return _as_gaps(linked)


def _inside(within: DataFrame, buckets: DataFrame) -> DataFrame:
    """Find gaps within buckets that are not full."""
    is_odd = f.col("count") < f.col("last") - f.col("first") + 1
    odd = f.broadcast(buckets.filter(is_odd).select("producer_id", "bucket"))
    in_order = Window.partitionBy("producer_id", "bucket").orderBy("seq")
    linked = find_numbers(within.join(odd, ["producer_id", "bucket"], "left_semi")).select(
        "producer_id",
        "low",
        *_before(in_order, "seq", "polled_first", "arrived_first"),
        f.col("seq").alias("number"),
        f.col("polled_last").alias("behind_polled"),
        f.col("arrived_last").alias("behind_arrived"),
    )
    # What lies before the first number of a bucket is found between the buckets.
    return _as_gaps(linked.filter(f.col("number_before").isNotNull()))


def _before(in_order: WindowSpec, *columns: str) -> list[Column]:
    names = ("number_before", "before_polled", "before_arrived")
    return [f.lag(column).over(in_order).alias(name) for column, name in zip(columns, names, strict=True)]


def _as_gaps(linked: DataFrame) -> DataFrame:
    before = f.coalesce("number_before", f.col("low") - 1)
    return linked.filter(f.col("number") > before + 1).select(
        "producer_id",
        (before + 1).alias("from_seq"),
        (f.col("number") - 1).alias("to_seq"),
        f.col("number_before").isNull().alias("is_beginning"),
        "before_polled",
        "before_arrived",
        "behind_polled",
        "behind_arrived",
    )
