"""The streaming job, killed over and over: at named points, and at calls that it makes to S3 and Kinesis."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from faults.drill import Drill, Outcome, Task
from faults.dying_job import POINTS
from faults.kinesis_stream import Stream
from faults.lake import csv_tree
from faults.market import closing, market
from faults.proxy import Answer, Call, Forward, Loss, pass_on
from faults.submitted_job import SubmittedJob
from faults.testbed import Testbed, run_testbed
from pricestream.settings import Settings
from pricestream.tick import Tick

_NINE_MS: Final = 1_767_603_600_000  # 2026-01-05T09:00:00Z
_MINUTE_MS: Final = 60_000
#: How many minutes of prices come with each start.
_PIECE: Final = 7
_COINS: Final = {"bitcoin": 60_000.0, "ethereum": 3_000.0, "shiba-inu": 1e-5}
#: An undisturbed run of one piece, from its first call to its last published file, makes about so many.
_CALLS: Final = 900


@dataclass
class Kills:
    """Kills a job at its nth call; a proxy calls it."""

    at: int = 0
    seen: int = 0
    struck: Event = field(default_factory=Event)
    kill: "SubmittedJob | None" = None

    def arm(self, at: int, job: SubmittedJob) -> None:
        """Kill this job once it makes that call, counted from now."""
        self.at, self.seen, self.kill = at, 0, job
        self.struck.clear()

    def __call__(self, call: Call, forward: Forward) -> Answer | Loss:
        """Count, and kill before the call that it is set to."""
        self.seen += 1
        if self.kill is not None and self.seen == self.at:
            self.kill.kill()
            self.struck.set()
            return Loss.CALL
        return forward(call)


def pieces(count: int) -> Iterator[list[Tick]]:
    """Cut the prices into pieces, of which each start of the job finds one that is new."""
    ticks = market(_COINS, start_ms=_NINE_MS, minutes=_PIECE * count)
    size = len(ticks) // count
    for number in range(count):
        yield ticks[number * size : (number + 1) * size]


def end_ms(count: int) -> int:
    """Tell when the last of so many pieces ends, epoch ms."""
    return _NINE_MS + _PIECE * count * _MINUTE_MS


def run_at_points(task: Task) -> Outcome:
    """Kill it at each named point in turn, on one lake; each start goes on where the last was killed."""
    counts: Counter[str] = Counter()
    names = list(POINTS)
    with run_testbed(task.place) as bed:
        stream = bed.stream()
        settings, overrides = bed.settings("killed", stream)
        log = task.place / "job.log"
        given = list(pieces(task.count + 1))
        for number in range(task.count):
            # A point that is waited for comes only where windows close, and those of a piece close with the next.
            stream.put_ticks(given[number])
            stream.put(closing(settings, end_ms(number + 1)))
            point = names[number % len(names)]
            with SubmittedJob.start(settings, overrides, log, script="faults/dying_job.py", before=[point]) as job:
                if job.process.wait(300) == -9:
                    counts[f"killed {point}"] += 1
            task.say(f"{counts.total()} of {task.count} kills, the last {point}")
        stream.put_ticks(given[-1])
        return _finish(bed, stream, settings, overrides, counts, given)


def run_at_random(task: Task) -> Outcome:
    """Kill it at a random call, with everything that it reads and writes on the other side of a proxy."""
    counts: Counter[str] = Counter()
    with run_testbed(task.place) as bed:
        stream = bed.stream()
        settings, overrides = bed.settings("killed", stream, on_s3=True)
        log, kills = task.place / "job.log", Kills()
        bed.proxy.meddle = kills
        given = list(pieces(task.count + 1))
        for number in range(task.count):
            stream.put_ticks(given[number])
            stream.put(closing(settings, end_ms(number + 1)))
            at = task.rng.randrange(1, _CALLS)
            with SubmittedJob.start(settings, overrides, log) as job:
                kills.arm(at, job)
                if kills.struck.wait(300):
                    counts["kills"] += 1
            task.say(f"{counts['kills']} of {task.count} kills, the last at call {at}")
        bed.proxy.meddle = pass_on
        stream.put_ticks(given[-1])
        return _finish(bed, stream, settings, overrides, counts, given)


def _finish(
    bed: Testbed,
    stream: Stream,
    settings: Settings,
    overrides: list[str],
    counts: Counter[str],
    given: list[list[Tick]],
) -> Outcome:
    """Let it run to the end, and hold the tree against that of a job that was left in peace."""
    end = end_ms(len(given))
    stream.put(closing(settings, end))
    log = Path(settings.job.status_file).parent / "last.log"
    with SubmittedJob.start(settings, overrides, log) as job:
        job.settle(rows=stream.sent, watermark_ms=end)
        counts["rows of ticks"] = job.rows
        job.stop()
    orderly = bed.stream()
    calm, calm_overrides = bed.settings("in-peace", orderly)
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


AT_POINTS: Final = Drill(
    name="job-killed-at-points",
    fault="kill -9 of the streaming job at each named point, and a start after each",
    run=run_at_points,
    unit="deaths",
    short=len(POINTS),
    full=10 * len(POINTS),
    has_spark=True,
)
AT_RANDOM: Final = Drill(
    name="job-killed",
    fault="kill -9 of the streaming job at its nth call to S3 or Kinesis, and a start after each",
    run=run_at_random,
    unit="kills",
    short=1,
    full=100,
    has_spark=True,
)
