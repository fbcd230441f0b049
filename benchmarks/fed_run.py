"""Fed run: a streaming program is fed a made-up market, round by round, and stopped."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench
from benchmarks.event_log import MicroBatch, event_log_conf, read_batches
from benchmarks.history import START_MS, coin_name
from benchmarks.machine import few_cores
from benchmarks.our_job import local_spark_conf, write_settings
from benchmarks.peak_memory import PeakMemory
from benchmarks.round import NOTHING, QUERIES, TICKS, Round
from benchmarks.stream_job import StreamJob
from faults.kinesis_stream import Stream
from pricestream.tick import Tick, heartbeat

_MINUTE_MS: Final = 60_000
#: Before the first window closes, with the watermark's delay, and a little more.
_MINUTES_BEFORE: Final = 10
#: When no query has had a batch for so long, all that a round brings is done: windows close in a batch of their own,
#: a trigger later. So one round never meets the work of another.
_QUIET_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 180.0

_TRIGGER_SECONDS: Final = 0.5


@dataclass
class FedRun:
    """One run of one program: start, feed, stop, read."""

    bench: Bench
    #: The program's own; its lake is in it.
    folder: Path
    stream: Stream
    #: How many rounds of each kind are measured.
    rounds: int
    #: The command that runs the program with this settings file.
    command: Callable[[Path], list[object]]
    coins: int
    #: How many of this process's cores the program may use; all by default.
    cores: int | None = None
    #: How many rounds of each kind come before those: they compile and load what later ones have.
    warm_rounds: int = 3
    #: Fills the lake before the program starts.
    fill: Callable[[Path], object] | None = None
    #: Settings of the job, over those that every run has.
    job: Mapping[str, Any] = field(default_factory=dict)
    #: The most that the program and all that it started kept in memory, in MiB; known once it was measured.
    peak_mib: float = 0.0
    _minute: int = 0
    _seq: int = 0

    def measure(self) -> tuple[list[Round], list[MicroBatch]]:
        """Run it to its end. Gives the rounds that were measured, and all micro-batches that ran.

        Raises:
            BenchmarkError: the program fails.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        events = self.folder / "events"
        events.mkdir(parents=True)
        self.stream.create()
        if self.fill is not None:
            self.fill(self._settings({}))
        with self._start(local_spark_conf() | event_log_conf(events)) as job, PeakMemory(job.child.session) as memory:
            rounds = self._feed(job)
            job.stop()
        self.peak_mib = memory.mib
        return rounds, read_batches(events)

    def _start(self, conf: Mapping[str, str]) -> StreamJob:
        """Start the program on its cores; what feeds it has the others too."""
        with few_cores(self.cores):
            config = self._settings(conf)
            return StreamJob.start(self.command(config), config, self.bench.log, dict(os.environ))

    def _settings(self, conf: Mapping[str, str]) -> Path:
        return write_settings(
            self.folder,
            job={"trigger_seconds": _TRIGGER_SECONDS, "retention": {"every_hours": None}, **self.job},
            stream={"name": self.stream.name, "endpoint_url": self.stream.endpoint},
            conf=conf,
        )

    def _feed(self, job: StreamJob) -> list[Round]:
        """Put rounds on the stream, each when the one before is done. Those that warm up are not given."""
        self._put([tick for _ in range(_MINUTES_BEFORE) for tick in self._next_minute()])
        self._rest(job, 0)
        rounds = []
        for number in range(self.warm_rounds + self.rounds):
            for kind in (NOTHING, TICKS):
                began_ms = time.time_ns() // 1_000_000
                before = self._newest("ingest", "commits")
                self._put([self._beat()] if kind == NOTHING else self._next_minute())
                self._rest(job, before + 1)
                if number >= self.warm_rounds:
                    rounds.append(Round(kind, began_ms, time.time_ns() // 1_000_000))
        return rounds

    def _rest(self, job: StreamJob, number: int) -> None:
        """Wait until ingest has committed this micro-batch, and all is quiet."""
        quiet_since = time.monotonic()

        def is_done() -> bool:
            nonlocal quiet_since
            if not self._is_idle():
                quiet_since = time.monotonic()
            is_quiet = time.monotonic() - quiet_since >= _QUIET_SECONDS
            return is_quiet and self._newest("ingest", "commits") >= number

        job.wait("a round is done", is_done, seconds=_PATIENCE_SECONDS)

    def _is_idle(self) -> bool:
        """Tell whether every micro-batch that was begun is committed. The bars query has one of its own."""
        return all(self._newest(query, "offsets") == self._newest(query, "commits") for query in QUERIES)

    def _newest(self, query: str, log: str) -> int:
        """Give the number of the newest micro-batch in a log of a query's checkpoint; -1 where it is empty."""
        numbers = (path.name for path in (self.folder / "checkpoint" / query / log).glob("*"))
        return max((int(name) for name in numbers if name.isdigit()), default=-1)

    def _put(self, ticks: Sequence[Tick]) -> None:
        self.stream.put(*(tick.to_json() for tick in ticks))

    def _next_minute(self) -> list[Tick]:
        """Make a tick of each coin in the minute that follows, and the heartbeat behind them."""
        self._minute += 1
        now = START_MS + self._minute * _MINUTE_MS
        ticks = [
            Tick(
                coin_name(number),
                "usd",
                1.0 + number + self._minute / 100,
                now,
                now,
                "bench",
                self._seq + number + 1,
                "replay",
            )
            for number in range(self.coins)
        ]
        self._seq += self.coins
        return [*ticks, self._beat()]

    def _beat(self) -> Tick:
        self._seq += 1
        clock = START_MS + self._minute * _MINUTE_MS
        return heartbeat(clock_ms=clock, producer_id="bench", seq=self._seq, source="replay")
