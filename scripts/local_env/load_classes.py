"""Do on a handful of rows what the jobs do, so that Java loads what they will: spark-submit runs this.

The session is theirs. What is done in it stands apart from them, for it says which classes are kept, and nothing of how
bars are made.
"""

import tempfile
from pathlib import Path
from typing import Final

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from jobs.session import make_session
from pricestream.config import load_settings

_ROOT: Final = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write, read, stream, fold and merge, in a folder that is gone afterwards."""
    spark = make_session(load_settings(_ROOT / "conf" / "local.yaml", []).job)
    with tempfile.TemporaryDirectory() as path:
        _load(spark, Path(path).as_uri())
    spark.stop()


def _load(spark: SparkSession, folder: str) -> None:
    rows = spark.range(4).select(f.to_json(f.struct(f.col("id").alias("price"))).alias("payload"), "id")
    parsed = rows.select("*", f.from_json("payload", "price DOUBLE").alias("tick"))
    timed = parsed.select("tick.price", f.timestamp_seconds(f.col("id") * 60).alias("time"), "payload")
    ticks, bars, files = (f"{folder}/{name}" for name in ("ticks", "bars", "csv"))
    timed.withColumn("date", f.to_date("time")).write.format("delta").partitionBy("date").save(ticks)
    empty = spark.createDataFrame([], "start TIMESTAMP, prices ARRAY<DOUBLE>")
    empty.write.format("delta").save(bars)

    def keep(batch: DataFrame, _: int) -> None:
        kept = DeltaTable.forPath(batch.sparkSession, bars).alias("kept")
        merge = kept.merge(batch.alias("made"), "kept.start = made.start")
        merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    windows = (
        spark.readStream.format("delta")
        .load(ticks)
        .withWatermark("time", "0 seconds")
        .groupBy(f.window("time", "60 seconds"))
        .agg(f.sort_array(f.collect_set("price")).alias("prices"))
        .select(f.col("window.start").alias("start"), "prices")
    )
    query = windows.writeStream.foreachBatch(keep).option("checkpointLocation", f"{folder}/checkpoint")
    query.trigger(availableNow=True).start().awaitTermination()
    lines = spark.read.format("delta").load(bars).select("start", f.explode("prices").alias("price"))
    lines.orderBy("start").mapInArrow(lambda batches: batches, lines.schema).write.csv(files, header=True)
    spark.read.option("header", "true").csv(files).count()


if __name__ == "__main__":
    main()
