"""What the loop asks of a source, and the source that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Protocol

import requests

from coingecko.access import open_client
from coingecko.budget import CallBudget
from coingecko.clock import Clock, RealClock
from pricestream import tick
from pricestream.producer_settings import ProducerSettings
from pricestream.settings import Settings
from producer.coingecko import CoinGeckoSource
from producer.quote import Poll
from producer.replay import ReplaySource
from producer.simulated import open_simulated


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
def open_source(settings: Settings, state_dir: Path, stop: Event) -> Iterator[Source]:
    """Open the source that ``producer.source`` names, and close it afterwards.

    Raises:
        SourceError: it cannot be opened.
        SettingsError: the plan's key is missing, or a time is not one.
        StorageError: the call budget cannot be read.
    """
    if settings.producer.source == "replay":
        yield ReplaySource(settings, stop)
    elif settings.producer.source == "simulated":
        with open_simulated(settings, stop) as simulated:
            yield simulated
    else:
        with requests.Session() as session:
            yield _coingecko(settings.producer, session, state_dir, stop)


def _coingecko(producer: ProducerSettings, session: requests.Session, state_dir: Path, stop: Event) -> CoinGeckoSource:
    api = producer.coingecko
    clock = RealClock()
    budget = CallBudget(state_dir / "budget.json", per_minute=api.calls_per_minute, per_month=api.calls_per_month)
    client = open_client(api, session, budget, clock, stop)
    return CoinGeckoSource(client, budget, clock, producer, "coingecko")
