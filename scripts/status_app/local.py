"""Local: a system whose files this machine can see, by its settings."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from jobs.storage import S3_SCHEMES, local_path, open_file
from pricestream.errors import StorageError
from pricestream.lock import is_held
from pricestream.settings import Settings
from pricestream.utc import iso
from scripts.status_app.health import Fact, Health, Part, span
from scripts.status_app.job import job_part, read_status
from scripts.status_app.limits import limits_of
from scripts.status_app.producer import producer_part, read_summary


def look_here(settings: Settings, now_ms: int) -> Health:
    """Look at the producer's and the job's files. What is not there is said, and is no reason to stop."""
    limits = limits_of(settings)
    state = Path(settings.producer.state_dir)
    summary, why_no_summary = _read(str(state / "summary.json"), settings)
    producer = producer_part(summary, str(state / "summary.json"), limits, now_ms, is_held=is_held(state))
    status, why_no_status = _read(settings.job.status_file, settings)
    produced = read_summary(summary) if summary else None
    has_ended = produced is not None and produced.is_finished and not limits.is_live
    job = job_part(
        status, settings.job.status_file, limits, now_ms, is_held=_is_job_here(settings), has_ended=has_ended
    )
    parts = [
        Part("producer", "unknown", problems=[why_no_summary]) if why_no_summary else producer,
        Part("job", "unknown", problems=[why_no_status]) if why_no_status else job,
        *_csv(settings, status, now_ms),
    ]
    return Health(f"stream {settings.stream.name}", parts)


def _read(place: str, settings: Settings) -> tuple[bytes | None, str]:
    """Read a small file, and say why it cannot be read."""
    try:
        store, name = open_file(place, settings.job.s3, settings.stream.region)
        return store.read(name), ""
    except StorageError as error:
        return None, f"cannot be looked at: {error}"


def _is_job_here(settings: Settings) -> bool | None:
    root = settings.job.checkpoint
    return None if urlsplit(root).scheme in S3_SCHEMES else is_held(local_path(root))


def _csv(settings: Settings, status: bytes | None, now_ms: int) -> Iterator[Part]:
    """Look at the newest file itself, where it is on a disk: the job is not the only one that writes there."""
    if urlsplit(settings.job.csv).scheme in S3_SCHEMES:
        return
    newest = _newest(local_path(settings.job.csv))
    if newest is None:
        said = read_status(status) if status else None
        lost = [f"{settings.job.csv} is empty, and the job says that it wrote files"] if said and said.files else []
        yield Part("CSV", "empty", problems=lost)
        return
    path, changed_s = newest
    age = max(0.0, now_ms / 1000 - changed_s)
    name = str(path.relative_to(local_path(settings.job.csv)))
    yield Part(
        "CSV", "there", [Fact("newest", {"file": name, "at": iso(changed_s)}, f"newest file {span(age)} old: {name}")]
    )


def _newest(root: Path) -> tuple[Path, float] | None:
    """Find the file of the newest date of each interval that changed last; a tree may have years of dates."""
    dates = [max(folder.glob("date=*"), default=None) for folder in sorted(root.glob("interval=*"))]
    files = [file for date in dates if date is not None for file in date.glob("*/bars.csv")]
    changed = [(file, file.stat().st_mtime) for file in files if file.exists()]
    return max(changed, key=lambda each: each[1], default=None)
