"""Two copies of the job on one checkpoint: the second is refused, and the first does not notice."""

import subprocess
import sys
from typing import Final

from faults.checkout import ROOT
from faults.drill import Drill, Outcome, Task, together
from faults.in_peace import end_ms, hold_against_peace, pieces
from faults.lake import job_arguments
from faults.market import closing
from faults.submitted_job import SubmittedJob
from faults.testbed import run_testbed


def run(task: Task) -> Outcome:
    """Start a second one while the first reads, with the lake on a disk and on S3."""
    outcomes: list[Outcome] = []
    with run_testbed(task.place) as bed:
        for number in range(task.count):
            on_s3 = number % 2 == 1
            stream = bed.stream()
            settings, overrides = bed.settings(f"two-{number}", stream, on_s3=on_s3)
            given = list(pieces(1))
            log = task.place / f"job-{number}.log"
            with SubmittedJob.start(settings, overrides, log) as first:
                first.wait_until_running()
                stream.put_ticks(given[0])
                second = subprocess.run(  # noqa: S603 - our own command
                    [sys.executable, "jobs/stream_prices.py", *job_arguments(settings, *overrides)],
                    cwd=ROOT,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                said = second.stderr.strip().splitlines()
                is_refused = second.returncode == 5 and bool(said) and "is using it" in said[-1]
                told = () if is_refused else (f"the second ended with {second.returncode} and said {said[-1:]}",)
                outcomes.append(Outcome({"refused": is_refused}, told))
                stream.put(closing(settings, end_ms(1)))
                first.settle(rows=stream.sent, watermark_ms=end_ms(1))
                first.stop()
            outcomes.append(hold_against_peace(bed, stream, settings, overrides, given))
            task.say("S3" if on_s3 else "disk")
    return together(outcomes)


DRILL: Final = Drill(
    name="two-jobs",
    fault="a second copy of the job on the same checkpoint",
    run=run,
    unit="second copies",
    short=2,
    full=2,
    has_spark=True,
)
