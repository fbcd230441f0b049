"""In peace: what a job that nothing happens to makes of the same ticks, which every other must come to as well."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faults.drill import Outcome
from faults.kinesis_stream import Stream
from faults.lake import csv_tree
from faults.market import closing, market
from faults.submitted_job import SubmittedJob
from faults.testbed import Testbed
from pricestream.settings import Settings
from pricestream.tick import Tick

_NINE_MS: Final = 1_767_603_600_000  # 2026-01-05T09:00:00Z
_MINUTE_MS: Final = 60_000
#: How many minutes of prices come with each start.
_PIECE: Final = 7
_COINS: Final = {"bitcoin": 60_000.0, "ethereum": 3_000.0, "shiba-inu": 1e-5}


def pieces(count: int) -> Iterator[list[Tick]]:
    """Cut the prices into pieces, of which each start of the job finds one that is new."""
    ticks = market(_COINS, start_ms=_NINE_MS, minutes=_PIECE * count)
    size = len(ticks) // count
    for number in range(count):
        yield ticks[number * size : (number + 1) * size]


def end_ms(count: int) -> int:
    """Tell when the last of so many pieces ends, epoch ms."""
    return _NINE_MS + _PIECE * count * _MINUTE_MS


def hold_against_peace(
    bed: Testbed,
    stream: Stream,
    settings: Settings,
    overrides: list[str],
    given: list[list[Tick]],
    counts: Counter[str],
) -> Outcome:
    """Let a job run to the end, and hold its tree against that of one that was left in peace.

    Args:
        bed: where both run.
        stream: what the job reads; it has all the ticks.
        settings: where the job writes.
        overrides: see :meth:`faults.testbed.Testbed.settings`.
        given: the ticks, in pieces.
        counts: what is known so far; more is added.
    """
    end = end_ms(len(given))
    stream.put(closing(settings, end))
    log = Path(settings.job.status_file).parent / "last.log"
    with SubmittedJob.start(settings, overrides, log) as job:
        job.settle(rows=stream.sent, watermark_ms=end)
        counts["rows of ticks"] = job.rows
        job.stop()
    orderly = bed.stream()
    calm, calm_overrides = bed.settings(f"{log.parent.name}-in-peace", orderly)
    for piece in given:
        orderly.put_ticks(piece)
    orderly.put(closing(calm, end))
    with SubmittedJob.start(calm, calm_overrides, log) as job:
        job.settle(rows=orderly.sent, watermark_ms=end)
        job.stop()
    found, expected = csv_tree(settings), csv_tree(calm)
    counts["records"], counts["files"] = stream.sent, len(expected)
    counts["lines"] = sum(data.count(b"\n") for data in expected.values())
    broken = [f"{key}: is not as in an undisturbed run" for key in expected if found.get(key) != expected[key]]
    broken += [f"{key}: is in no undisturbed run" for key in found.keys() - expected.keys()]
    if not expected:
        broken.append("the undisturbed run has written no file")
    return Outcome(counts, tuple(broken))
