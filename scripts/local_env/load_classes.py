"""Do on a handful of rows what the jobs do, so that Java loads what they will: spark-submit runs this.

It stands apart from the project's code, for it says which classes are kept, and nothing of how bars are made.
"""

import tempfile
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def main() -> None:
    """Write, read, stream, fold and merge, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path).as_uri()
        builder = SparkSession.builder.master("local[1]").appName("classes")
        for key, value in {**_CONF, "spark.sql.warehouse.dir": f"{folder}/warehouse"}.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        _load(spark, folder)
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
