"""Drivers: the streaming job and whoever else writes the same tables, and when they would lose each other's commits."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from jobs.storage import S3_SCHEMES, open_file
from pricestream.errors import StorageError
from pricestream.settings import Settings

#: What a job is in while more may come from it.
_RUNNING: Final = ("starting", "running", "stopping")


@dataclass(frozen=True)
class StreamStatus:
    """What the streaming job last said of itself. One that was killed still says that it runs."""

    is_running: bool
    #: The watermark it has reached, epoch ms; None before there is one.
    watermark_ms: int | None


def read_stream_status(settings: Settings) -> StreamStatus:
    """Read the status file of the streaming job; where there is none, it does not run.

    Raises:
        StorageError: the file is damaged, or cannot be read.
    """
    store, name = open_file(settings.job.status_file, settings.job.s3, settings.stream.region)
    data = store.read(name)
    if data is None:
        return StreamStatus(is_running=False, watermark_ms=None)
    try:
        status: dict[str, Any] = json.loads(data)
        return StreamStatus(status["state"] in _RUNNING, status["bars"]["watermark_ms"])
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{settings.job.status_file}: is damaged; remove it") from None


def refuse_beside_stream(settings: Settings, *, alone: bool) -> None:
    """Keep a second driver from writing tables on S3 while the stream does, where nothing makes them take turns.

    On S3 Delta keeps the writers of one driver apart, but not two drivers: both may write the same version of the
    log, and what the first of them committed is gone.

    Args:
        settings: where the tables are, and what the streaming job says of itself.
        alone: the caller knows better, as where the job was killed and could not say that it ended.

    Raises:
        StorageError: they would lose each other's commits.
    """
    job = settings.job
    on_s3 = [path for path in (job.ticks, job.bars) if urlsplit(path).scheme in S3_SCHEMES]
    if alone or not on_s3 or job.s3.commit_table or not read_stream_status(settings).is_running:
        return
    raise StorageError(
        f"{on_s3[0]}: the stream runs ({job.status_file} says so), and two drivers would lose each other's commits on "
        "S3; set job.s3.commit_table, stop the stream, or say --alone if it does not run"
    )
