"""The producer inside the drill's own process, on clocks that take no time: everything of it but its command line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from coingecko.clock import Clock, VirtualClock
from pricestream.settings import Settings
from producer.loop import Loop
from producer.sender import Sender, Sink
from producer.sink import Outcome
from producer.source import Source
from producer.spool import Record, Spool
from producer.state import open_state
from producer.summary import Summary, SummaryFile


class RealTime(VirtualClock):
    """A clock that takes no time, and yet is one that waits: each poll is sent by itself, as in life."""

    @property
    def instant(self) -> bool:
        """As the machine's own clock says."""
        return False


@dataclass
class StreamInMemory:
    """A stream that takes all."""

    records: list[Record] = field(default_factory=list)

    def prepare(self, *, create: bool) -> str:  # noqa: ARG002 - it is there
        """Nothing stands in the way."""
        return ""

    def put(self, records: list[Record], stop: Event) -> Outcome:  # noqa: ARG002 - takes no time
        """Take all."""
        self.records += records
        return Outcome()

    @property
    def payloads(self) -> list[bytes]:
        """What was sent, as it is on the wire."""
        return [record.data for record in self.records]


def settings_of(producer: dict[str, Any], stream: str = "s") -> Settings:
    """Make settings from keys of ``producer``."""
    return Settings.model_validate({"stream": {"name": stream}, "producer": {"id": "p", **producer}})


@contextmanager
def open_loop(
    settings: Settings, folder: Path, source: Source, sink: Sink, clock: Clock, rng: Random, stop: Event | None = None
) -> Iterator[Loop]:
    """Tie a producer together as its command line does, with its state in ``folder``.

    Raises:
        StorageError: the folder cannot be used.
    """
    stop = stop or Event()
    with (
        _log_to(folder.parent / "producer.log"),
        open_state(folder, producer_id=settings.producer.id, stream=settings.stream.name),
        Spool(folder / "spool", settings.producer.spool.max_megabytes * 1_000_000) as spool,
    ):
        sender = Sender(spool, sink, clock, stop, rng)
        yield Loop(settings, source, spool, sender, SummaryFile(folder / "summary.json", clock), clock, stop)


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Keep what the producer says out of the campaign's own words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    loggers = [logging.getLogger(name) for name in ("coingecko", "producer")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


def run_loop(settings: Settings, folder: Path, source: Source, sink: Sink, clock: Clock, rng: Random) -> Summary:
    """Run a producer to the end of its source.

    Raises:
        PricestreamError: something that a person must put right.
    """
    with open_loop(settings, folder, source, sink, clock, rng) as loop:
        return loop.run()
