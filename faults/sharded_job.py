"""Sharded job: the streaming job on a stream whose shards change, and whether it has read all of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from faults.checkout import LOCAL_SETTINGS
from faults.lake import csv_tree, status_of
from faults.market import closing
from faults.shards import Shard, ShardedStream
from faults.ticks_rows import TicksRows
from pricestream.config import load_settings
from pricestream.settings import Settings


class Job(Protocol):
    """A streaming job that runs."""

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for something; an error where the job ends before."""

    def settle(self, *, rows: int, watermark_ms: int) -> object:
        """Wait until so many records are rows, and every window before the watermark (epoch ms) is published."""

    def stop(self) -> None:
        """Let it finish, and end it."""


#: Starts a job with these settings, which are the local ones with these overrides.
Start = Callable[[Settings, Sequence[str]], Job]


@dataclass
class ShardedJob:
    """One stream, and the job that reads it, now and then."""

    stream: ShardedStream
    settings: Settings
    rows: TicksRows
    _start: Callable[[], Job]
    _job: Job | None = None
    #: How often a window's bar was made anew because ticks of it came after it had closed.
    rebuilt: int = 0

    @classmethod
    def make(cls, stream: ShardedStream, endpoint_url: str, place: Path, start: Start, *more: str) -> Self:
        """Prepare it, with everything that it writes below ``place``, and with ``more`` overrides."""
        files = {"stop_file": "STOP", "status_file": "status.json"}
        places = {name: name for name in ("ticks", "bars", "csv", "checkpoint")} | files
        overrides = [
            *(f"job.{name}={place}/{file}" for name, file in places.items()),
            f"stream.name={stream.name}",
            f"stream.endpoint_url={endpoint_url}",
            "job.report=null",
            "job.trigger_seconds=0.2",
            # How long a batch looks for the records of a shard that is held back.
            "job.kinesis.max_fetch_seconds_per_shard=1",
            *more,
        ]
        settings = load_settings(LOCAL_SETTINGS, overrides)
        return cls(stream, settings, TicksRows.of(settings), lambda: start(settings, overrides))

    @property
    def job(self) -> Job:
        """The job, which runs."""
        if self._job is None:
            raise ValueError("the job does not run")
        return self._job

    def start(self) -> None:
        """Start the job."""
        self._job = self._start()

    def stop(self) -> None:
        """Stop the job."""
        self.rebuilt += int(status_of(self.settings)["bars"]["rebuilt"])
        self.job.stop()
        self._job = None

    def put(self, payloads: Sequence[bytes], among: Sequence[Shard] | None = None) -> None:
        """Put records somewhere in the ranges of these shards, else anywhere."""
        self.stream.put(payloads, among or self.stream.open_shards())

    def catch_up(self, *, watermark_ms: int = 0) -> None:
        """Wait until every record is a row, and every window before the watermark (epoch ms) is published."""
        sent = set(self.stream.sequence_numbers)
        self.job.wait(f"all {len(sent)} records to be rows", lambda: sent <= self.rows.sequence_numbers().keys())
        self.job.settle(rows=len(sent), watermark_ms=watermark_ms)

    def end(self, end_ms: int) -> None:
        """Close every window up to ``end_ms`` (epoch ms), and stop."""
        self.put([closing(self.settings, end_ms)])
        self.catch_up(watermark_ms=end_ms)
        self.stop()

    @property
    def tree(self) -> dict[str, bytes]:
        """What it has published."""
        return csv_tree(self.settings)

    @property
    def watermark_ms(self) -> int:
        """The watermark of the last micro-batch of bars, epoch ms; 0 before there is one."""
        return int(status_of(self.settings).get("bars", {}).get("watermark_ms") or 0)
