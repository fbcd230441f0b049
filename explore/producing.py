"""Producing: the producer in a thread of the kernel, and what it says of itself."""

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from explore.background import Background
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
    _work: Background = field(default_factory=lambda: Background("producer", _STOP_SECONDS))

    @property
    def is_running(self) -> bool:
        """Whether it still polls or sends."""
        return self._work.is_running

    def start(self) -> None:
        """Start polling and sending."""
        self._work.start(partial(run, self.place.settings))

    def check(self) -> None:
        """Raise what ended it before its time.

        Raises:
            PricestreamError: something that a person must put right.
        """
        self._work.check()

    def stop(self) -> dict[str, Any]:
        """Let it send what it can, and give its last words."""
        self._work.stop()
        return producer_says(self.place)


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
