"""Repair: what an audit found is put right, as far as it can be.

Every step can be repeated: one that is interrupted is found, and made up for, by the next audit.
"""

import logging
import time
from dataclasses import replace
from datetime import timedelta

import boto3
from pyspark.sql import SparkSession

from jobs.audit_files import compare_files, partition_of
from jobs.audit_land import land_again
from jobs.audit_model import WITHOUT_BARS, Audit, Repair
from jobs.days import Range, Step
from jobs.horizon import final_through_s, judged_through_s
from jobs.publish import publish
from jobs.rebuild import rebuild, rebuild_days
from jobs.reread import Reread
from jobs.sink import BarSink
from pricestream.settings import Settings

log = logging.getLogger(__name__)


def repair_lake(spark: SparkSession, settings: Settings, audit: Audit, *, alone: bool = False) -> Repair:
    """Fetch missing records again, make bars anew and replace files.

    Args:
        spark: a session.
        settings: where the lake and the stream are.
        audit: what was found.
        alone: no stream runs, whatever its status says.

    Raises:
        PricestreamError: the stream or the lake cannot be used.
    """

    def look() -> tuple[int, int]:
        closed_s = judged_through_s(settings, now_s=time.time(), alone=alone)
        return closed_s or 0, final_through_s(spark, settings)

    sink = BarSink(settings, (audit.scope.horizon_ms or 0) // 1000, final_through_s(spark, settings), look=look)
    done = _fetch(spark, settings, audit, sink)
    bars = _remake(spark, settings, audit, sink)
    files = _republish(spark, settings, audit)
    return replace(done, bars=done.bars + bars, files=len(sink.files) + files)


def _fetch(spark: SparkSession, settings: Settings, audit: Audit, sink: BarSink) -> Repair:
    """Land the missing records that the stream still has, and make the bars that they touch anew."""
    if not audit.completeness.gaps:
        return Repair()
    stream = settings.stream
    client = boto3.client("kinesis", region_name=stream.region, endpoint_url=stream.endpoint_url)
    reread = Reread(client, stream.name)
    kept, gone = reread.split_by_retention(audit.completeness.gaps)
    landed = too_new = bars = 0
    for some in land_again(spark, settings, reread.find(kept), horizon_ms=audit.scope.horizon_ms or 0):
        landed += some.landed
        too_new += some.too_new
        bars += rebuild(some.windows, settings, sink)
        log.info("%d missing records landed", landed)
    return Repair(
        landed=landed,
        too_new=too_new,
        forgotten=sum(gap.count for gap in gone),
        not_found=sum(gap.count for gap in kept) - landed - too_new,
        bars=bars,
    )


def _remake(spark: SparkSession, settings: Settings, audit: Audit, sink: BarSink) -> int:
    """Make the bars of those days anew on which any is missing or differs. Returns how many were computed."""
    before = sink.bars_written
    for day in sorted(audit.consistency.bar_dates):
        # Each day for itself: what lies between two of them is right.
        rebuild_days(spark, settings, sink, Step(Range(day, day + timedelta(days=1)), 0, is_followed=False), ())
    return sink.bars_written - before


def _republish(spark: SparkSession, settings: Settings, audit: Audit) -> int:
    """Write the files that are not what their bars say, those that should hold nothing with their header alone.

    The files are looked at again: what was made since the first look has been published. One that ``bars`` says nothing
    of is left alone. It may be right, and the last that is left of bars that retention took.
    """
    if not audit.consistency.file_differences:
        return 0
    differences = compare_files(spark, settings, audit.scope).differences
    known = (partition_of(each.key) for each in differences if each.kind != WITHOUT_BARS)
    return publish(spark, settings, [each for each in known if each])
