"""In peace: what a job that nothing happens to makes of the same ticks, which every other must come to as well."""

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
    bed: Testbed, stream: Stream, settings: Settings, overrides: list[str], given: list[list[Tick]]
) -> Outcome:
    """Let a job run to the end, and hold its tree against that of one that was left in peace.

    Args:
        bed: where both run.
        stream: what the job reads; it has all the ticks.
        settings: where the job writes.
        overrides: see :meth:`faults.testbed.Testbed.settings`.
        given: the ticks, in pieces.
    """
    rows = _run_to_the_end(stream, settings, overrides, len(given))
    found, expected = csv_tree(settings), _tree_in_peace(bed, given)
    counts = {
        "rows of ticks": rows,
        "records": stream.sent,
        "files": len(expected),
        "lines": sum(data.count(b"\n") for data in expected.values()),
    }
    broken = [f"{key}: is not as in an undisturbed run" for key in expected if found.get(key) != expected[key]]
    broken += [f"{key}: is in no undisturbed run" for key in found.keys() - expected.keys()]
    if not expected:
        broken.append("the undisturbed run has written no file")
    return Outcome(counts, tuple(broken))


def _tree_in_peace(bed: Testbed, given: list[list[Tick]]) -> dict[str, bytes]:
    """Make the tree of a job that nothing happens to, once for so many pieces: they are the same each time."""
    count = len(given)
    stream = bed.stream()
    settings, overrides = bed.settings(f"in-peace-{count}", stream)
    if not Path(settings.job.csv).exists():
        for piece in given:
            stream.put_ticks(piece)
        _run_to_the_end(stream, settings, overrides, count)
    return csv_tree(settings)


def _run_to_the_end(stream: Stream, settings: Settings, overrides: list[str], count: int) -> int:
    """Close all windows of so many pieces, and let a job come to the end of them. Returns how many rows it has."""
    end = end_ms(count)
    stream.put(closing(settings, end))
    with SubmittedJob.start(settings, overrides, Path(settings.job.status_file).parent / "last.log") as job:
        job.settle(rows=stream.sent, watermark_ms=end)
        rows = job.rows
        job.stop()
    return rows
