"""Drivers: the streaming job and whoever else writes the same tables, and when they would lose each other's commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from jobs.checkpoint import open_checkpoint
from jobs.lease import hold_checkpoint
from jobs.storage import S3_SCHEMES, local_path, open_file
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.lock import is_held
from pricestream.settings import Settings

#: What a job is in while more may come from it.
_RUNNING: Final = ("starting", "running", "stopping")


@dataclass(frozen=True)
class StreamStatus:
    """What the streaming job last said of itself."""

    is_running: bool
    #: The watermark it has reached, epoch ms; None before there is one.
    watermark_ms: int | None


def read_stream_status(settings: Settings) -> StreamStatus:
    """Read the status file of the streaming job; where there is none, it does not run.

    One that was killed still says that it runs. Where its checkpoint is on a disk, it is told by the lock that it no
    longer holds; on S3 by nothing.

    Raises:
        StorageError: the file is damaged, or cannot be read.
    """
    store, name = open_file(settings.job.status_file, settings.job.s3, settings.stream.region)
    data = store.read(name)
    if data is None:
        return StreamStatus(is_running=False, watermark_ms=None)
    try:
        status: dict[str, Any] = parse_json(data)
        is_running = status["state"] in _RUNNING and not _is_let_go(settings)
        return StreamStatus(is_running, status["bars"]["watermark_ms"])
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{settings.job.status_file}: is damaged; remove it") from None


def _is_let_go(settings: Settings) -> bool:
    """Tell whether a job has held the checkpoint, and none does any more."""
    root = settings.job.checkpoint
    return urlsplit(root).scheme not in S3_SCHEMES and is_held(local_path(root)) is False


@contextmanager
def keep_alone(settings: Settings, *, alone: bool) -> Iterator[None]:
    """Keep a driver and the stream from writing tables on S3 together, where nothing makes them take turns.

    It holds the stream's checkpoint meanwhile, so that the stream can not be started either.

    Args:
        settings: where the tables are, and what the streaming job says of itself.
        alone: the caller knows better, as where the job was killed and could not say that it ended.

    Raises:
        StorageError: they would lose each other's commits.
    """
    refuse_beside_stream(settings, alone=alone)
    if not _may_lose_commits(settings):
        yield
        return
    with hold_checkpoint(open_checkpoint(settings), threading.Event(), patience_seconds=settings.job.s3.lease_seconds):
        yield


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
    if alone or not _may_lose_commits(settings) or not read_stream_status(settings).is_running:
        return
    raise StorageError(
        f"{_on_s3(settings)[0]}: the stream runs ({job.status_file} says so), and two drivers would lose each other's "
        "commits on S3; set job.s3.commit_table, stop the stream, or say --alone if it does not run"
    )


def _may_lose_commits(settings: Settings) -> bool:
    return bool(_on_s3(settings)) and not settings.job.s3.commit_table


def _on_s3(settings: Settings) -> list[str]:
    return [path for path in (settings.job.ticks, settings.job.bars) if urlsplit(path).scheme in S3_SCHEMES]
