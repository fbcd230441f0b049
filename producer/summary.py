"""What a run has done so far, for whoever watches it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from coingecko.clock import Clock
from pricestream import tick
from pricestream.atomic import write_json


@dataclass(slots=True)
class Summary:
    """Counts of this run; times are epoch milliseconds UTC.

    Attributes:
        producer_id: who sends.
        source: where the prices come from.
        first_seq: the number of this run's first record.
        seq: the number of the last record written to the spool, over all runs.
        ticks: prices taken in.
        heartbeats: clock records made.
        sent: records put on the stream, those left over from an earlier run included.
        spooled: records not on the stream yet.
        first_event_ms: the earliest event.
        last_event_ms: the latest event.
        last_heartbeat_ms: the clock of the last heartbeat.
        polls: readings of the source.
        api_calls: calls made to the source, failed ones included.
        api_refusals: those of them that were answered with 429.
        calls_left: what the budget still allows this month; None without a limit.
        finished: whether the run has ended by itself or was stopped in good order.
    """

    producer_id: str
    source: tick.Source
    first_seq: int
    seq: int
    ticks: int = 0
    heartbeats: int = 0
    sent: int = 0
    spooled: int = 0
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    last_heartbeat_ms: int | None = None
    polls: int = 0
    api_calls: int = 0
    api_refusals: int = 0
    calls_left: int | None = None
    finished: bool = False

    def count(self, records: list[tick.Tick]) -> None:
        """Take in what one poll put into the spool."""
        for record in records:
            self.seq = record.seq
            if record.price is None:
                self.heartbeats += 1
                self.last_heartbeat_ms = record.event_time
                continue
            self.ticks += 1
            self.first_event_ms = min(self.first_event_ms or record.event_time, record.event_time)
            self.last_event_ms = max(self.last_event_ms or record.event_time, record.event_time)


class SummaryFile:
    """Keeps ``summary.json`` up to date, at most once a second."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Write to ``path``; ``clock`` is the real one."""
        self._path = path
        self._clock = clock
        self._due_ms = 0

    def write(self, summary: Summary, *, now: bool = False) -> None:
        """Write when a second has passed since the last time, or ``now``.

        Raises:
            StorageError: the file cannot be written.
        """
        moment = self._clock.now_ms()
        # Anything else than the last second is past it, or before it where the clock was set back.
        if now or not self._due_ms - 1000 <= moment < self._due_ms:
            self._due_ms = moment + 1000
            write_json(self._path, asdict(summary) | {"updated_ms": moment}, durable=now)
