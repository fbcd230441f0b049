"""The disk is full under the job: under its checkpoint, or under its lake."""

import shutil
from pathlib import Path
from typing import Final

from faults.drill import Drill, Outcome, Task, together
from faults.in_peace import end_ms, hold_against_peace, pieces
from faults.market import closing
from faults.small_disk import small_disk
from faults.submitted_job import SubmittedJob
from faults.testbed import Testbed, run_testbed
from pricestream.settings import Settings

_PLACES: Final = ("checkpoint", "lake")
#: What a few micro-batches outgrow.
_KILOBYTES: Final = {"checkpoint": (24, 100), "lake": (60, 300)}
_ROOM: Final = 200_000


def run(task: Task) -> Outcome:
    """Let the job run into a full disk, see what it says, make room, and let it go on."""
    outcomes: list[Outcome] = []
    with run_testbed(task.place) as bed:
        for number in range(task.count):
            place = _PLACES[number % len(_PLACES)]
            size = task.rng.randrange(*_KILOBYTES[place])
            task.say(f"{place} of {size} kB")
            outcomes.append(_fill(bed, task.place / f"{number}-{place}-{size}kB", place, size))
    return together(outcomes)


def _fill(bed: Testbed, folder: Path, place: str, kilobytes: int) -> Outcome:
    stream = bed.stream()
    settings, overrides = bed.settings(folder.name, stream)
    given = list(pieces(3))
    small = folder / "checkpoint" if place == "checkpoint" else folder
    log = bed.place / f"{folder.name}.log"
    with small_disk(small, kilobytes) as resize:
        for number, piece in enumerate(given, 1):
            stream.put_ticks(piece)
            stream.put(closing(settings, end_ms(number)))
        with SubmittedJob.start(settings, overrides, log) as job:
            code = job.process.wait(240)
        broken = _complaints(job, code)
        resize(_ROOM)
        outcome = hold_against_peace(bed, stream, settings, overrides, given)
        _keep(settings, folder)
    told = (f"{folder.name}: {line}" for line in (*broken, *outcome.broken))
    return Outcome({"full disks": 1, **outcome.counts}, tuple(told))


def _complaints(job: SubmittedJob, code: int) -> list[str]:
    """See that the job has ended, and said in a line that there is no room."""
    errors = job.errors
    if code == 0:
        return ["the job ended as if nothing were wrong"]
    if len(errors) != 1 or "No space left on device" not in errors[0]:
        return [f"it ended with {code} and said {errors or 'nothing'}"]
    return []


def _keep(settings: Settings, folder: Path) -> None:
    """Copy the tree off the small disk, so that it can be looked at."""
    shutil.copytree(settings.job.csv, f"{folder}-csv", dirs_exist_ok=True)


DRILL: Final = Drill(
    name="job-disk-full",
    fault="no space left on the disk of the checkpoint, or of the lake",
    run=run,
    unit="full disks",
    short=2,
    full=10,
    has_spark=True,
)
