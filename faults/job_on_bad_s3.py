"""Job on a bad S3: tables, checkpoint and files on an S3 that turns away one call in five."""

from typing import Final

from faults.bad_s3 import S3Trouble
from faults.drill import Drill, Outcome, Task, together
from faults.in_peace import hold_against_peace, pieces
from faults.proxy import Answer, Call, Forward, Loss
from faults.testbed import run_testbed


def run(task: Task) -> Outcome:
    """Let a job work on it, and hold its tree against that of one on a disk that was left in peace."""
    outcomes: list[Outcome] = []
    trouble = S3Trouble(task.rng, errors=0.2)

    def meddle(call: Call, forward: Forward) -> Answer | Loss:
        # What has a target is for Kinesis.
        return forward(call) if "x-amz-target" in call.headers else trouble(call, forward)

    with run_testbed(task.place) as bed:
        bed.proxy.meddle = meddle
        for number in range(task.count):
            stream = bed.stream()
            settings, overrides = bed.settings(f"bad-s3-{number}", stream, on_s3=True)
            given = list(pieces(1))
            stream.put_ticks(given[0])
            outcomes.append(hold_against_peace(bed, stream, settings, overrides, given))
            task.say(f"{number + 1} of {task.count} runs, {trouble.counts['errors given']:,} errors")
    return together([Outcome(trouble.counts), *outcomes])


DRILL: Final = Drill(
    name="job-on-bad-s3",
    fault="S3 answers a call in five of the job's with 500 or 503",
    run=run,
    unit="runs",
    short=1,
    full=5,
    has_spark=True,
)
