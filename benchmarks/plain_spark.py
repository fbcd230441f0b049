"""Plain Spark: what of the distance between ours and other engines is Spark's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, emptied
from benchmarks.command import timed
from benchmarks.our_job import submit, write_settings
from benchmarks.page_cache import forget

PLAIN_SPARK: Final = "plain Spark"


def run_plain_spark(bench: Bench, kind: str, source: Path, check: Callable[[Path], None]) -> float:
    """Run ``benchmarks/programs/plain_spark.py``, and hold its bars against ours. Gives its seconds, start to end.

    Args:
        bench: where it works.
        kind: parquet, json or stream.
        source: the ticks.
        check: is given the tree of CSV.
    """
    folder = emptied(bench.place / "plain")
    config = write_settings(folder, job={})
    forget(source)
    program = submit("benchmarks/programs/plain_spark.py", config, kind, source, folder / "csv")
    seconds = timed(program, bench.log)
    check(folder / "csv")
    return seconds
