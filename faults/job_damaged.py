"""Files of the job that are cut off, gone or changed: a clear end, and then the way back that the runbook names."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from faults.drill import Drill, Outcome, Task, together
from faults.in_peace import end_ms, hold_against_peace, pieces
from faults.market import closing
from faults.submitted_job import SubmittedJob, run_backfill
from faults.testbed import Testbed, run_testbed
from pricestream.settings import Settings


def _newest(folder: Path, pattern: str) -> Path:
    found = [each for each in folder.glob(pattern) if each.name[0] != "."]
    return max(found, key=lambda each: (len(each.name), each.name))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    # Hadoop would tell by its checksum that it is not what it was; a disk that lies tells nothing.
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


def _last_offset(settings: Settings) -> Path:
    return _newest(Path(settings.job.checkpoint), "bars/offsets/*")


def _offset_cut_off(settings: Settings) -> None:
    _cut(_last_offset(settings))


def _kinesis_offset_cut_off(settings: Settings) -> None:
    _cut(_newest(Path(settings.job.checkpoint), "ingest/offsets/*"))


def _metadata_gone(settings: Settings) -> None:
    (Path(settings.job.checkpoint) / "bars" / "metadata").unlink()


def _mark_cut_off(settings: Settings) -> None:
    (Path(settings.job.checkpoint) / "bars_closed.json").write_bytes(b'{"thr')


def _bars_log(settings: Settings) -> None:
    _cut(_newest(Path(settings.job.bars), "_delta_log/*.json"))


def _ticks_log(settings: Settings) -> None:
    _cut(_newest(Path(settings.job.ticks), "_delta_log/*.json"))


def _new_checkpoint(settings: Settings) -> None:
    shutil.rmtree(settings.job.checkpoint)


def _mark_removed(settings: Settings) -> None:
    (Path(settings.job.checkpoint) / "bars_closed.json").unlink()


def _bars_anew(settings: Settings) -> None:
    shutil.rmtree(settings.job.bars)


def _all_anew(settings: Settings) -> None:
    for each in (settings.job.ticks, settings.job.bars, settings.job.checkpoint):
        shutil.rmtree(each)


#: What is damaged: how, and what is taken away before the job starts again.
DAMAGES: Final[dict[str, tuple[Callable[[Settings], None], Callable[[Settings], None]]]] = {
    "checkpoint: an entry of the offset log is cut off": (_offset_cut_off, _new_checkpoint),
    "checkpoint: an entry of the log of Kinesis' positions is cut off": (_kinesis_offset_cut_off, _new_checkpoint),
    "checkpoint: the metadata are gone": (_metadata_gone, _new_checkpoint),
    "checkpoint: a mark of ours is cut off": (_mark_cut_off, _mark_removed),
    "bars: the last entry of the log is cut off": (_bars_log, _bars_anew),
    "ticks: the last entry of the log is cut off": (_ticks_log, _all_anew),
}


def run(task: Task) -> Outcome:
    """Damage what a job has left, see what the next one says, and go the way back."""
    outcomes: list[Outcome] = []
    with run_testbed(task.place) as bed:
        for number in range(task.count):
            name = list(DAMAGES)[number % len(DAMAGES)]
            task.say(name)
            outcomes.append(_damage(bed, f"damaged-{number}", name))
    return together(outcomes)


def _damage(bed: Testbed, folder: str, name: str) -> Outcome:
    damage, way_back = DAMAGES[name]
    stream = bed.stream()
    settings, overrides = bed.settings(folder, stream)
    given = list(pieces(2))
    log = bed.place / f"{folder}.log"
    stream.put_ticks(given[0])
    stream.put(closing(settings, end_ms(1)))
    with SubmittedJob.start(settings, overrides, log) as job:
        job.settle(rows=stream.sent, watermark_ms=end_ms(1))
        job.stop()
    damage(settings)
    stream.put_ticks(given[1])
    complaint = bed.place / f"{folder}-damaged.log"
    with SubmittedJob.start(settings, overrides, complaint) as job:
        code = job.process.wait(240)
    said = job.errors
    broken = [] if code != 0 and len(said) == 1 else [f"it ended with {code} and said {said or 'nothing'}"]
    way_back(settings)
    if way_back in (_bars_anew, _mark_removed):
        run_backfill(overrides, log, first="2026-01-05", end="2026-01-06")
    outcome = hold_against_peace(bed, stream, settings, overrides, given)
    told = (f"{name}: {line}" for line in (*broken, *outcome.broken))
    return Outcome({"damages": 1, "said so": not broken, **outcome.counts}, tuple(told))


DRILL: Final = Drill(
    name="job-damaged",
    fault="a cut-off or missing file of the checkpoint, or a cut-off entry of a table's log",
    run=run,
    unit="damages",
    short=2,
    full=5 * len(DAMAGES),
    has_spark=True,
)
