"""Limits: from when on something takes too long, by the settings of the system itself."""

from dataclasses import dataclass
from typing import Final

from jobs.status import BEAT_SECONDS
from pricestream.settings import Settings

#: What anything may take beside what the settings say: a micro-batch, a busy machine.
_SLACK_SECONDS: Final = 60
#: The status is written this often at least; a long repair may hold it up.
SILENCE_SECONDS: Final = 4 * BEAT_SECONDS


@dataclass(frozen=True)
class Limits:
    """How old what is newest may be, in seconds."""

    #: The newest record that was read.
    arrival: float
    #: The newest CSV file, where there is one.
    csv: float
    #: The producer's last poll.
    poll: float
    #: How many records may wait in the producer's spool.
    spooled: int
    #: Whether the prices come from now on without an end, as CoinGecko's do.
    is_live: bool


def limits_of(settings: Settings) -> Limits:
    """Work out the limits.

    A poll brings records, at least a heartbeat, so they are never older than a poll. A window closes with a record
    behind its end, so a file is at most an interval and a poll old; twice that is too old.
    """
    producer, job = settings.producer, settings.job
    return Limits(
        arrival=2 * producer.poll_seconds + job.trigger_seconds + _SLACK_SECONDS,
        csv=2 * (job.interval_seconds + producer.poll_seconds) + job.trigger_seconds + _SLACK_SECONDS,
        poll=2 * producer.poll_seconds + _SLACK_SECONDS,
        spooled=10 * (len(producer.coins) * len(producer.vs_currencies) + 1),
        is_live=producer.source == "coingecko",
    )
