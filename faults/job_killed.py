"""The streaming job, killed over and over: at named points, and at calls that it makes to S3 and Kinesis."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from faults.drill import Drill, Outcome, Task, together
from faults.dying_job import POINTS
from faults.in_peace import end_ms, hold_against_peace, pieces
from faults.market import closing
from faults.proxy import Answer, Call, Forward, Loss, pass_on
from faults.submitted_job import SubmittedJob
from faults.testbed import run_testbed

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
        return together([Outcome(counts), hold_against_peace(bed, stream, settings, overrides, given)])


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
        return together([Outcome(counts), hold_against_peace(bed, stream, settings, overrides, given)])


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
