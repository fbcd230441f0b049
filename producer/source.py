"""What the loop asks of a source, and the source that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Protocol

from pricestream import tick
from pricestream.errors import SettingsError
from pricestream.settings import Settings
from producer.clock import Clock
from producer.quote import Poll
from producer.replay import ReplaySource


class Source(Protocol):
    """Something that gives prices when asked."""

    @property
    def name(self) -> tick.Source:
        """What stands in every tick's ``source``."""

    @property
    def clock(self) -> Clock:
        """The clock that polls go by."""

    def poll(self) -> Poll | None:
        """Read the prices; None at the end of the source.

        Raises:
            SourceError: the source refuses for good.
        """


@contextmanager
def open_source(settings: Settings, state_dir: Path, stop: Event) -> Iterator[Source]:  # noqa: ARG001
    """Open the source that ``producer.source`` names, and close it afterwards.

    Raises:
        SourceError: it cannot be opened.
    """
    if settings.producer.source == "replay":
        yield ReplaySource(settings, stop)
    else:
        raise SettingsError(f"producer.source: {settings.producer.source} is not there yet")
