"""What the streaming tests share: streams of their own, and the job in a thread of this process."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.stream_job import supervise
from jobs.tables import read_bars
from pricestream.settings import Settings
from pricestream.tick import Tick, heartbeat

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from pyspark.sql import DataFrame, SparkSession

PATIENCE_SECONDS = 180


def wait_for(what: str, is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


@dataclass
class Stream:
    """A stream of its own for each test."""

    client: "KinesisClient"
    endpoint: str
    name: str = field(default_factory=lambda: f"prices-{uuid.uuid4().hex[:8]}")
    sent: int = 0

    def create(self, shards: int = 1) -> None:
        self.client.create_stream(StreamName=self.name, ShardCount=shards)

    def put(self, *payloads: bytes, key: str = "k", shard: int | None = None) -> None:
        # Each shard of n has a range of hash keys; one inside it puts a record there for certain.
        explicit: dict[str, Any] = {} if shard is None else {"ExplicitHashKey": str(self._hash_key(shard))}
        for start in range(0, len(payloads), 500):
            records: list[Any] = [
                {"Data": each, "PartitionKey": key, **explicit} for each in payloads[start : start + 500]
            ]
            assert self.client.put_records(StreamName=self.name, Records=records)["FailedRecordCount"] == 0
        self.sent += len(payloads)

    def put_ticks(self, ticks: list[Tick], shard: int | None = None) -> None:
        self.put(*(tick.to_json() for tick in ticks), key="ticks", shard=shard)

    def _hash_key(self, shard: int) -> int:
        shards = self.client.list_shards(StreamName=self.name)["Shards"]
        return int(shards[shard]["HashKeyRange"]["StartingHashKey"])

    @property
    def overrides(self) -> list[str]:
        return [f"stream.name={self.name}", f"stream.endpoint_url={self.endpoint}"]


def status_of(settings: Settings) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(Path(settings.job.status_file).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def is_settled(settings: Settings, *, rows: int, watermark_ms: int) -> bool:
    status = status_of(settings)
    if not status or status["state"] != "running":
        return False
    return (
        status["ticks"]["rows"] >= rows
        and (status["bars"]["watermark_ms"] or 0) >= watermark_ms
        and bool(status["settled"])
    )


@dataclass
class RunningJob:
    """The streaming job in a thread of this process, with the session that all tests share."""

    settings: Settings
    stopping: threading.Event
    thread: threading.Thread
    errors: list[BaseException]

    @classmethod
    def start(cls, spark: "SparkSession", settings: Settings) -> "RunningJob":
        """Run it as its entry does, in a session that is there already."""
        Path(settings.job.status_file).unlink(missing_ok=True)
        stopping, errors = threading.Event(), list[BaseException]()

        def run() -> None:
            try:
                supervise(spark, settings, stopping)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                errors.append(error)

        job = cls(settings, stopping, threading.Thread(target=run), errors)
        job.thread.start()
        return job

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        wait_for(what, lambda: bool(self.errors) or is_so())
        if self.errors:
            raise self.errors[0]

    def settle(self, *, rows: int, watermark_ms: int) -> dict[str, Any]:
        """Wait until every record is a row and every window before the watermark is published."""
        self.wait(
            f"{rows} rows and a watermark of {watermark_ms}",
            lambda: is_settled(self.settings, rows=rows, watermark_ms=watermark_ms),
        )
        return status_of(self.settings)

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()


def csv_tree(settings: Settings) -> dict[str, bytes]:
    """Every file that a reader of the tree would see."""
    folder = Path(settings.job.csv)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def minute_bars(spark: "SparkSession", settings: Settings) -> "DataFrame":
    """The stored bars of one minute, without the gaps."""
    return read_bars(spark, settings.job).filter("interval = '1m' AND NOT gap")


def market(coins: dict[str, float], *, start_ms: int, minutes: float, every_seconds: int = 10) -> list[Tick]:
    """Ticks of a few coins, each a little off its price, in the order of time, polled as they happen."""
    ticks: list[Tick] = []
    for step in range(int(minutes * 60 / every_seconds)):
        now = start_ms + step * every_seconds * 1000
        for number, (coin, price) in enumerate(coins.items()):
            moved = price * (1 + ((step * 7919 + number * 104729) % 1009 - 504) / 50_000)
            ticks.append(Tick(coin, "usd", moved, now, now, "p", len(ticks) + 1, "simulated"))
    return ticks


def closing(settings: Settings, end_ms: int) -> bytes:
    """A heartbeat whose clock closes every window up to ``end_ms``."""
    clock_ms = end_ms + settings.job.watermark_seconds * 1000
    return heartbeat(clock_ms=clock_ms, producer_id="p", seq=0, source="simulated").to_json()


def job_arguments(settings: Settings, *overrides: str) -> list[str]:
    """The job's command line that writes where ``settings`` say, with further overrides behind."""
    places = ("ticks", "bars", "csv", "checkpoint", "stop_file", "status_file")
    below = [f"job.{place}={getattr(settings.job, place)}" for place in places]
    sets = [part for each in (*below, *overrides) for part in ("--set", each)]
    return ["--config", "conf/local.yaml", *sets]


StartJob = Callable[[Settings], RunningJob]
