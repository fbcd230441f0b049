"""Producing: the producer in a thread of the kernel, and what it says of itself."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from explore.place import Place
from pricestream.json_text import parse_json
from producer.cli import run

_PATIENCE_SECONDS: Final = 60.0
#: What the producer has to send what is left, and a little more.
_STOP_SECONDS: Final = 30.0


@dataclass
class RunningProducer:
    """The producer in a thread; what it keeps on disk outlives it, and the next one goes on from there."""

    place: Place
    stopping: threading.Event = field(default_factory=threading.Event)
    _errors: list[BaseException] = field(default_factory=list)
    _thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether it still polls or sends."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start polling and sending."""
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended it before its time.

        Raises:
            PricestreamError: something that a person must put right.
        """
        if self._errors:
            raise self._errors[0]

    def stop(self) -> dict[str, Any]:
        """Let it send what it can, and give its last words."""
        self.stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        self.check()
        return producer_says(self.place)

    def _run(self) -> None:
        try:
            run(self.place.settings, self.stopping)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks
            self._errors.append(error)


def start_producer(place: Place) -> RunningProducer:
    """Start the producer that the settings describe, and wait for its first poll.

    Raises:
        StorageError: another producer, such as another notebook's, is at work in its folder.
        PricestreamError: the source refuses, or the stream is missing or denied.
    """
    before = producer_says(place).get("polls", 0)
    producer = RunningProducer(place)
    producer.start()
    until = time.monotonic() + _PATIENCE_SECONDS
    while producer.is_running and producer_says(place).get("polls", 0) in (0, before) and time.monotonic() < until:
        time.sleep(0.1)
    producer.check()
    return producer


def feed(place: Place) -> RunningProducer | None:
    """Start a producer where nothing feeds the stream yet; None where something does.

    A laptop's stream is fed by a notebook, this one or ``01_producer``; on EMR by the platform's own producer.

    Raises:
        PricestreamError: see :func:`start_producer`.
    """
    if not place.is_own or producer_says(place):
        return None
    return start_producer(place)


def producer_says(place: Place) -> dict[str, Any]:
    """Read the counts that the producer keeps up to date in its folder; empty where there are none."""
    try:
        found = parse_json((Path(place.settings.producer.state_dir) / "summary.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
