"""Schedule: a piece of work that is done every so often beside the stream, and never ends it."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jobs.query_error import reason_of
from jobs.storage import Store
from pricestream.errors import StorageError
from pricestream.json_text import parse_json

log = logging.getLogger(__name__)

#: How long a stop waits for work that is under way. What is broken off then was not committed yet.
_PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True)
class Mark:
    """When the work was last begun, in a small file, so that a job that is restarted often comes to it all the same."""

    store: Store
    name: str

    def read(self) -> float | None:
        """Give it, epoch seconds; None where it was never begun, or that can not be told."""
        data = self.store.read(self.name)
        try:
            return None if data is None else float(parse_json(data)["begun_s"])
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, begun_s: float) -> None:
        """Remember it, epoch seconds."""
        self.store.write(self.name, json.dumps({"begun_s": round(begun_s, 3)}).encode())


@dataclass
class Schedule:
    """Runs the work in a thread of its own, whenever it is due and somebody looks.

    At the very first look it is not due: what is just made need not be tidied.
    """

    name: str
    #: The work; what it is given tells whether it should break off.
    work: Callable[[Callable[[], bool]], object]
    every_seconds: float
    mark: Mark
    clock: Callable[[], float] = time.time
    _due_s: float | None = None
    _thread: threading.Thread | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Begin the work if it is due and not under way. Returns at once."""
        now = self.clock()
        if self._due_s is None:
            self._due_s = self._first_due(now)
        if now < self._due_s or self._stopping.is_set() or self.is_under_way:
            return
        self._begin(now)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    @property
    def is_under_way(self) -> bool:
        """Whether the work is being done."""
        return self._thread is not None and self._thread.is_alive()

    def break_off(self) -> None:
        """Let the work end at its next step, and not begin again. Returns at once."""
        self._stopping.set()

    def stop(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Let the work end, and wait for it, but not for ever."""
        self.break_off()
        if self._thread is not None:
            self._thread.join(patience_seconds)
            if self._thread.is_alive():
                log.info("%s is broken off; the next run takes it up again", self.name)

    def _first_due(self, now: float) -> float:
        try:
            begun = self.mark.read()
        except StorageError as error:
            log.warning("when %s was last done is not known: %s", self.name, error)
            begun = None
        if begun is None:
            return self._begin(now)
        # A clock that was set back must not put it off for longer.
        return min(begun, now) + self.every_seconds

    def _begin(self, now: float) -> float:
        self._due_s = now + self.every_seconds
        try:
            self.mark.write(now)
        except StorageError as error:
            log.warning("when %s was done is not remembered: %s", self.name, error)
        return self._due_s

    def _run(self) -> None:
        try:
            self.work(self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to end the stream
            if not self._stopping.is_set():
                log.warning("%s failed, and is tried again next time: %s", self.name, reason_of(error))
