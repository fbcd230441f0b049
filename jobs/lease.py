"""Lease: one job at a time on a checkpoint. Two would each overwrite how far the other has read.

On a disk a lock does it, which goes with the process. On S3 there is none: whoever holds the checkpoint writes an
object anew every few seconds. Another job watches it for a while, and takes over only where nothing is written any
more; no clock of one machine is held against that of another.
"""

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from jobs.checkpoint import Checkpoint
from jobs.storage import ConflictError, DiskStore
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.lock import hold_folder

_KEY: Final = "lease.json"
#: How often it is written in the time that a silent holder is waited for.
_BEATS: Final = 6
_ADVICE: Final = "stop it first, or set job.checkpoint to a folder of its own"

log = logging.getLogger(__name__)


@contextmanager
def hold_checkpoint(
    checkpoint: Checkpoint, stopping: threading.Event, *, patience_seconds: float = 30
) -> Iterator[None]:
    """Hold a checkpoint while a job runs.

    Args:
        checkpoint: what to hold.
        stopping: is set where another job took the checkpoint over, because this one was silent for too long.
        patience_seconds: a holder that was silent for so long is dead, or so slow that it finds its lease taken.

    Raises:
        StorageError: another job holds it; at the end, that another job took it over.
    """
    if isinstance(checkpoint.store, DiskStore):
        with hold_folder(checkpoint.store.root, setting="job.checkpoint", holder="job", advice=_ADVICE):
            yield
        return
    lease = Lease(checkpoint.store, checkpoint.root, patience_seconds)
    lease.take()
    ended = threading.Event()
    keeper = threading.Thread(target=lease.keep, args=(ended, stopping), name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        lease.give_back()
    if lease.is_lost:
        raise StorageError(f"checkpoint {checkpoint.root}: another job took it over while this one was held up")


class Objects(Protocol):
    """What a lease asks of a store (:class:`jobs.storage.Store`)."""

    def version(self, key: str) -> str | None:
        """Give what changes with every writing; None where there is nothing."""

    def read(self, key: str) -> bytes | None:
        """Give the content; None where there is nothing."""

    def replace(self, key: str, data: bytes, *, version: str | None) -> None:
        """Write, or raise :class:`jobs.storage.ConflictError` where there is another version."""

    def remove(self, key: str) -> None:
        """Remove it, if it is there."""


@dataclass
class Lease:
    """An object that says who holds a checkpoint, by being written anew."""

    store: Objects
    #: What is held, for the messages.
    root: str
    patience_seconds: float = 30
    sleep: Callable[[float], None] = time.sleep
    #: Another job has taken over.
    is_lost: bool = False
    _version: str | None = None
    _holder: str = field(default_factory=lambda: f"process {os.getpid()} on {socket.gethostname()}")

    def take(self) -> None:
        """Take the lease where there is none, or where its holder is silent.

        Raises:
            StorageError: another job holds it, or took it at the same moment.
        """
        seen, waited = self.store.version(_KEY), 0.0
        holder = self._written_holder()
        if seen is not None:
            log.info(
                "checkpoint %s is held by %s; looking for %.0f s if that still runs",
                self.root,
                holder,
                self.patience_seconds,
            )
        while seen is not None and waited < self.patience_seconds:
            self.sleep(self._beat_seconds)
            waited += self._beat_seconds
            now = self.store.version(_KEY)
            if now is not None and now != seen:
                raise StorageError(f"checkpoint {self.root}: another job ({holder}) is using it; {_ADVICE}")
            seen = now
        try:
            self._write(seen)
        except ConflictError:
            raise StorageError(f"checkpoint {self.root}: another job has just taken it; {_ADVICE}") from None

    def renew(self) -> None:
        """Write it anew.

        Raises:
            ConflictError: another job has taken over.
            StorageError: it cannot be written for now.
        """
        try:
            self._write(self._version)
        except ConflictError:
            # The answer to our own last write may have been lost.
            if self._written_holder() != self._holder:
                raise
            self._version = self.store.version(_KEY)

    def keep(self, ended: threading.Event, stopping: threading.Event) -> None:
        """Write it anew every few seconds until the end; where it is lost, ask for a stop."""
        while not ended.wait(self._beat_seconds):
            try:
                self.renew()
            except ConflictError:
                self.is_lost = True
                log.error("another job has taken checkpoint %s over; stopping", self.root)
                stopping.set()
                return
            except StorageError as error:
                log.warning("the lease of the checkpoint is not renewed: %s", error)

    def give_back(self) -> None:
        """Let the next job start at once."""
        if not self.is_lost:
            with suppress(StorageError):
                self.store.remove(_KEY)

    @property
    def _beat_seconds(self) -> float:
        return self.patience_seconds / _BEATS

    def _write(self, version: str | None) -> None:
        # Something that was never written before, so that each writing shows.
        data = json.dumps({"holder": self._holder, "beat": uuid.uuid4().hex}).encode()
        self.store.replace(_KEY, data, version=version)
        self._version = self.store.version(_KEY)

    def _written_holder(self) -> str:
        data = self.store.read(_KEY)
        try:
            return str(parse_json(data or b"{}")["holder"])
        except (ValueError, KeyError, TypeError):
            return "an unknown process"
