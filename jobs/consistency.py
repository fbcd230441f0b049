"""Consistency: the stored bars are what their ticks make, and the files are what their bars say."""

from pyspark.sql import SparkSession

from jobs.audit_bars import compare_bars
from jobs.audit_files import compare_files
from jobs.audit_model import Consistency
from jobs.audit_scope import Scope
from pricestream.settings import Settings


def check_consistency(spark: SparkSession, settings: Settings, scope: Scope) -> Consistency:
    """Recompute the bars of closed windows, and compare them with the table, and the table with the files."""
    bars = compare_bars(spark, settings, scope)
    files = compare_files(spark, settings, scope)
    return Consistency(
        bar_differences=bars.differences,
        bar_difference_count=bars.difference_count,
        bars=bars.count,
        bar_dates=bars.dates,
        file_differences=files.differences,
        files=files.count,
        open_files=files.open,
    )
