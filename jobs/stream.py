"""The two streaming queries: Kinesis into ``ticks``, and ``ticks`` into bars."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoint import BARS, INGEST, Checkpoint
from jobs.extent import extent_of, kept
from jobs.parse import parse
from jobs.progress import last_report, observed
from jobs.right_of_way import RightOfWay
from jobs.schema import STATUSES
from jobs.sink import BarSink
from jobs.source import kinesis_stream, ticks_stream
from jobs.storage import spark_path
from jobs.tables import append_ticks
from jobs.validate import validate
from jobs.window import CLOSING_TIME, base_bars, closing, moves_watermark, of_interest
from pricestream.job_settings import JobSettings
from pricestream.settings import Settings
from pricestream.tick import HEARTBEAT_ID

#: The name under which a micro-batch's counts are in its progress.
COUNTS = "ticks"
#: Among them, when the newest of its records came to the stream, epoch ms; null where it had none.
NEWEST_ARRIVAL = "newest_arrival_ms"
#: … and when the newest of those happened that move the watermark, epoch ms.
NEWEST_EVENT = "newest_event_ms"


def start_ingest(spark: SparkSession, settings: Settings, checkpoint: Checkpoint, way: RightOfWay) -> StreamingQuery:
    """Start the query that lands every record of the stream in ``ticks``, and gives way to a window that closes.

    It does so before the window closes: with the cores to itself the other query reads sooner what closes it.
    """
    job = settings.job
    parsed = parse(kinesis_stream(spark, settings, goes_on=checkpoint.has_started(INGEST)))
    ticks = validate(parsed, allowed_lateness_seconds=job.allowed_lateness_seconds)
    counts = [f.count_if(f.col("status") == status).alias(status) for status in STATUSES]
    newest = f.max(f.unix_millis("arrived_at")).alias(NEWEST_ARRIVAL)
    event = f.max(f.when(moves_watermark(), f.unix_millis("event_time"))).alias(NEWEST_EVENT)
    queries: list[StreamingQuery] = []

    def land(batch: DataFrame, _: int) -> None:
        # The first may run before the query is known.
        last = last_report(queries[0]) if queries else None
        landed_ms = observed(last, COUNTS).get(NEWEST_EVENT)
        due_s = landed_ms and way.due_s(job.watermark_ms(landed_ms) // 1_000, job.interval_seconds)
        way.give(due_s)
        append_ticks(batch, job)

    query = (
        ticks.observe(COUNTS, f.count(f.lit(1)).alias("rows"), *counts, newest, event)
        .writeStream.queryName(INGEST)
        .option("checkpointLocation", spark_path(checkpoint.folder(INGEST)))
        .trigger(processingTime=f"{job.trigger_seconds} seconds")
        .foreachBatch(land)
        .start()
    )
    queries.append(query)
    return query


def start_bars(spark: SparkSession, settings: Settings, checkpoint: Checkpoint, sink: BarSink) -> StreamingQuery:
    """Start the query that turns accepted ticks into final bars, once their window has closed."""

    def close(batch: DataFrame, number: int) -> None:
        with kept(batch):
            extent = extent_of(batch)
            if extent is None:
                return
            # The id is the checkpoint's own. Were it a setting, a new checkpoint would count from 0 again
            # under an old id, and its batches would be taken for done.
            txn = (checkpoint.query_id(BARS), number)
            sink.close(without_heartbeats(batch), extent, txn=txn)
            checkpoint.mark_closed(sink.closed_s)
        sink.look_ahead(batch.sparkSession)

    return (
        closed_bars(spark, settings.job)
        .writeStream.queryName(BARS)
        .option("checkpointLocation", spark_path(checkpoint.folder(BARS)))
        # Whenever ticks have landed, and at once where the watermark has moved on. How often it looks whether any have
        # is a setting of the session.
        .trigger(processingTime="0 seconds")
        .outputMode("append")
        .foreachBatch(close)
        .start()
    )


def closed_bars(spark: SparkSession, job: JobSettings) -> DataFrame:
    """Make bars of the ticks that land: a stream of :data:`jobs.schema.BARS`, each once its window has closed.

    The windows of heartbeats are among them.
    """
    delay, step = job.watermark_seconds, job.watermark_step_seconds
    ticks = closing(of_interest(ticks_stream(spark, job)), delay_seconds=delay, step_seconds=step)
    return base_bars(ticks, interval=job.base_interval, seconds=job.interval_seconds, time=CLOSING_TIME)


def without_heartbeats(bars: DataFrame) -> DataFrame:
    """Leave out the windows of heartbeats: they say that a minute has closed, not what a coin cost."""
    return bars.filter(f.col("coin_id") != HEARTBEAT_ID)
