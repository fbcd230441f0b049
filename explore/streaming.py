"""Streaming: the streaming job in a thread of the kernel, and what it says of itself."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from explore.background import Background
from explore.front_end import watch
from explore.live_view import candle_card
from explore.measure import of_coin
from explore.place import Place
from explore.producing import producer_says
from explore.tree import read_bars
from jobs.storage import open_file
from pricestream.errors import StorageError
from pricestream.job_settings import JobSettings
from pricestream.json_text import parse_json

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 180.0
_LOOK_SECONDS: Final = 0.2
#: How many candles a live chart has.
_NEWEST: Final = 90


@dataclass
class StreamingJob:
    """The job in a thread of the kernel, or one that runs elsewhere and is only watched."""

    place: Place
    _work: Background = field(default_factory=lambda: Background("stream", _STOP_SECONDS))

    @property
    def is_own(self) -> bool:
        """Whether this kernel runs it."""
        return self._work.has_started

    def start(self, spark: "SparkSession") -> None:
        """Start it, and wait until it streams.

        Raises:
            PricestreamError: the stream is missing, another job uses the checkpoint, or the lake cannot be used.
        """
        from jobs.stream_job import stream_in

        before = job_says(self.place)
        self._work.start(partial(stream_in, spark, self.place.settings))
        until = time.monotonic() + _START_SECONDS
        while self._work.is_running and time.monotonic() < until:
            now = job_says(self.place)
            # One that was killed still says that it runs.
            if now.get("state") == "running" and now != before:
                break
            time.sleep(_LOOK_SECONDS)
        self.check()

    def check(self) -> None:
        """Raise what ended it before its time.

        Raises:
            PricestreamError: something that a person must put right.
        """
        self._work.check()

    def has_caught_up(self) -> bool:
        """Tell whether all that a finished producer has sent is in closed bars and published."""
        self.check()
        progress = look(self.place)
        return progress.is_fed and progress.is_complete

    def stop(self) -> "Progress":
        """Let it finish the batches that it is in, and give its last words; one that runs elsewhere goes on."""
        self._work.stop()
        return look(self.place)


def start_job(place: Place, spark: "SparkSession") -> StreamingJob:
    """Start the streaming job in this kernel; where the platform's own runs already, only watch that.

    Raises:
        PricestreamError: see :meth:`StreamingJob.start`.
    """
    from jobs.drivers import read_stream_status

    job = StreamingJob(place)
    if place.is_own or not read_stream_status(place.settings).is_running:
        job.start(spark)
    return job


@dataclass(frozen=True)
class Progress:
    """How far the job is."""

    state: str
    #: Records that are rows of ``ticks``, and how many of each status.
    rows: int
    counts: dict[str, int]
    bars: int
    files: int
    #: Every window up to here is closed; None before the first.
    watermark: datetime | None
    #: Everything that was read is in bars and published.
    settled: bool
    #: Records that the producer has made, and its clock; None where it is not on this machine.
    sent: int | None
    producer_clock: datetime | None
    #: The producer has come to its end.
    is_fed: bool
    #: They say where the watermark is when nothing is behind.
    settings: JobSettings

    @property
    def records_behind(self) -> int | None:
        """Records that were made and are no rows yet."""
        return None if self.sent is None else max(0, self.sent - self.rows)

    @property
    def seconds_behind(self) -> float | None:
        """How far the watermark is behind where it would be with every record read, by the producer's clock."""
        now = self.producer_clock or (None if self.sent is not None else datetime.now(UTC))
        if now is None or self.watermark is None:
            return None
        return max(0.0, self.settings.watermark_ms(_epoch_ms(now)) - _epoch_ms(self.watermark)) / 1_000

    @property
    def is_complete(self) -> bool:
        """Whether nothing is behind."""
        return self.settled and self.records_behind == 0 and self.seconds_behind == 0

    def table(self) -> pd.DataFrame:
        """Lay it out in one row."""
        counts = {name: self.counts.get(name, 0) for name in ("ok", "late", "rejected")}
        row = {
            "state": self.state,
            "sent": "" if self.sent is None else f"{self.sent:,}",
            "read": f"{self.rows:,}",
            **{name: f"{count:,}" for name, count in counts.items()},
            "bars": f"{self.bars:,}",
            "files": f"{self.files:,}",
            "closed until": "" if self.watermark is None else f"{self.watermark:%Y-%m-%d %H:%M:%S}",
            "lag": "" if self.seconds_behind is None else f"{self.seconds_behind:,.0f} s",
        }
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        """Say it in a line."""
        return "  ".join(f"{name} {value}" for name, value in self.table().iloc[0].items() if value)


def look(place: Place) -> Progress:
    """Read what the job, and a producer on this machine, last said."""
    job, producer = job_says(place), producer_says(place)
    ticks, bars = job.get("ticks", {}), job.get("bars", {})
    return Progress(
        state=str(job.get("state", "not started")),
        rows=int(ticks.get("rows", 0)),
        counts={name: int(count) for name, count in ticks.items() if name != "rows"},
        bars=int(bars.get("rows", 0)),
        files=int(job.get("csv", {}).get("files", 0)),
        watermark=_time(bars.get("watermark_ms")),
        settled=bool(job.get("settled")),
        sent=int(producer["seq"]) if producer else None,
        producer_clock=_time(producer.get("last_heartbeat_ms")),
        is_fed=bool(producer.get("finished")),
        settings=place.settings.job,
    )


def watch_job(job: StreamingJob, coin_id: str, *, seconds: float = 300) -> None:
    """Watch the progress and a coin's newest candles until all is read, time is up or the kernel is interrupted.

    Args:
        job: it goes on when the watching ends.
        coin_id: whose candles.
        seconds: how long at most.
    """
    place = job.place
    interval = place.settings.job.base_interval

    def view() -> list[object]:
        return [look(place).table(), _newest_candles(place, coin_id, interval)]

    watch(view, until=job.has_caught_up, seconds=seconds)


def job_says(place: Place) -> dict[str, Any]:
    """Read the job's status file; empty where there is none."""
    job = place.settings.job
    store, name = open_file(job.status_file, job.s3, place.settings.stream.region)
    try:
        found = parse_json(store.read(name) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _newest_candles(place: Place, coin_id: str, interval: str) -> object:
    try:
        bars = of_coin(read_bars(place, interval), coin_id).tail(_NEWEST)
    except StorageError:
        bars = pd.DataFrame()
    return candle_card(bars, coin_id, interval)


def _epoch_ms(time: datetime) -> int:
    return round(time.timestamp() * 1_000)


def _time(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)
