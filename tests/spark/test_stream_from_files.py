"""The whole streaming job where there is no Kinesis: records come in files, all else is the job's own.

09:00 |-- bitcoin, ethereum, records that are broken --| 09:06 + watermark: closed
09:02           |-- aave, polled then, read now --| 09:04   rebuilt from ticks
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from faults.lake import csv_tree
from faults.market import closing, market
from jobs.backfill import rebuild_range
from jobs.checkpoint import open_checkpoint
from jobs.days import Range
from jobs.schema import KINESIS
from jobs.tables import create_tables, read_ticks
from pricestream.settings import Settings
from pricestream.tick import Tick
from tests.conftest import MakeSettings
from tests.support.streaming import running_jobs

NINE_MS = 1_767_603_600_000  # 2026-01-05T09:00:00Z
MINUTE_MS = 60_000

#: What a number can be that no column takes: a cast of it must end neither in an error nor in another number.
BROKEN = {
    b"no JSON": "malformed",
    b"\xff\xfe{": "malformed",
    b'{"v": 99999999999999999999}': "malformed",
    b'{"v": 2}': "unknown_version",
    **{
        json.dumps({"v": 1, "coin_id": "bitcoin", "vs_currency": "usd", "price": 1.5} | fields).encode(): reason
        for fields, reason in (
            ({"event_time": 10**18, "polled_at": 10**18}, "absurd_time"),
            ({"event_time": -(10**18), "polled_at": NINE_MS}, "absurd_time"),
            ({"event_time": 10**30, "polled_at": NINE_MS}, "absurd_time"),
            ({"event_time": "soon", "polled_at": NINE_MS}, "absurd_time"),
            ({"event_time": NINE_MS, "polled_at": NINE_MS, "price": 1e308}, "bad_price"),
            ({"event_time": NINE_MS, "polled_at": NINE_MS, "price": 0}, "bad_price"),
            ({"event_time": NINE_MS, "polled_at": NINE_MS, "price": "dear"}, "bad_price"),
        )
    },
    b'{"v":1,"coin_id":"bitcoin","vs_currency":"usd","price":1e999,"event_time":1767603600000,'
    b'"polled_at":1767603600000}': "bad_price",
}


class Inbox:
    """A folder of files that stands in for a stream: what is put there is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent = 0
        folder.mkdir(parents=True)

    def put(self, *payloads: bytes) -> None:
        numbers = [str(self.sent + number) for number in range(len(payloads))]
        columns: dict[str, Sequence[object]] = {
            "data": payloads,
            "streamName": ["files"] * len(numbers),
            "partitionKey": ["k"] * len(numbers),
        }
        columns |= {"sequenceNumber": numbers, "approximateArrivalTimestamp": [datetime.now(UTC)] * len(numbers)}
        # Spark passes over names that begin with a dot, and a file gets its name when it is whole.
        scratch = self.folder / f".{self.sent}.parquet"
        pq.write_table(pa.table(columns), scratch)
        self.sent += len(payloads)
        scratch.rename(self.folder / f"{self.sent}.parquet")

    def stream(self, spark: SparkSession, *_: object, **__: object) -> DataFrame:
        return spark.readStream.schema(KINESIS).parquet(str(self.folder))


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    made = Inbox(tmp_path / "inbox")
    monkeypatch.setattr("jobs.stream.kinesis_stream", made.stream)
    return made


def bars_of(ticks: list[Tick]) -> list[tuple[object, ...]]:
    """What the base interval must say: (coin, minute, open, high, low, close, ticks)."""
    windows: dict[tuple[str, int], list[float]] = defaultdict(list)
    for tick in sorted(ticks, key=lambda tick: tick.event_time):
        assert tick.price is not None
        windows[tick.coin_id, tick.event_time // MINUTE_MS].append(tick.price)
    return [
        (coin, datetime.fromtimestamp(minute * 60, UTC).strftime("%H:%M"), p[0], max(p), min(p), p[-1], len(p))
        for (coin, minute), p in sorted(windows.items())
    ]


def bars_in(settings: Settings) -> list[tuple[object, ...]]:
    """The same, as DuckDB reads it from the tree."""
    columns = "coin_id, substr(window_start, 12, 5), open, high, low, close, tick_count"
    # Every cell as it is written, and only then a number.
    source = f"read_csv('{settings.job.csv}/interval=1m/*/*/bars.csv', types = {{'window_start': 'VARCHAR'}})"
    query = f"SELECT {columns} FROM {source} ORDER BY coin_id, window_start"
    return duckdb.connect().execute(query).fetchall()


def rebuilt_apart(spark: SparkSession, settings: Settings, apart: Settings) -> None:
    """Make all bars and files anew in another place, beside a stream that has closed what this one has."""
    closed_s = open_checkpoint(settings).closed_through_s()
    running = {"state": "running", "bars": {"watermark_ms": closed_s * 1000}}
    Path(apart.job.status_file).write_text(json.dumps(running))
    open_checkpoint(apart).mark_closed(closed_s)
    rebuild_range(spark, apart, Range.parse("2026-01-05", "2026-01-06"), [])


def test_records_in_files_become_the_bars_that_a_rebuild_makes(
    spark: SparkSession, inbox: Inbox, make_settings: MakeSettings, lake: Path
) -> None:
    settings = make_settings("job.intervals=[5m]")
    ahead = market({"bitcoin": 60_000.0, "ethereum": 3_000.0}, start_ms=NINE_MS, minutes=6)
    behind = market({"aave": 200.0}, start_ms=NINE_MS + 2 * MINUTE_MS, minutes=2)
    with running_jobs(spark) as start:
        job = start(settings)
        inbox.put(*(tick.to_json() for tick in ahead[:30]), *BROKEN)
        inbox.put(*(tick.to_json() for tick in ahead[20:]), closing(settings, NINE_MS + 6 * MINUTE_MS))
        job.settle(rows=inbox.sent, watermark_ms=NINE_MS + 6 * MINUTE_MS)
        inbox.put(*(tick.to_json() for tick in behind), closing(settings, NINE_MS + 7 * MINUTE_MS))
        status = job.settle(rows=inbox.sent, watermark_ms=NINE_MS + 7 * MINUTE_MS)
        job.stop()
        assert not job.errors

    # Ten of them came twice.
    counts = {"rows": inbox.sent, "ok": 72 + 10 + 12, "late": 0, "rejected": len(BROKEN), "heartbeat": 2}
    assert status["ticks"].items() >= counts.items()
    assert status["bars"]["rebuilt"] == 2
    rejected = read_ticks(spark, settings.job).filter("status = 'rejected'").select("payload", "reason").collect()
    assert {bytes(row["payload"]): row["reason"] for row in rejected} == BROKEN
    assert bars_in(settings) == bars_of(ahead + behind)

    elsewhere = [f"job.{place}={lake}/apart/{place}" for place in ("bars", "csv", "checkpoint", "status_file")]
    apart = make_settings("job.intervals=[5m]", *elsewhere)
    (lake / "apart").mkdir()
    create_tables(spark, apart.job)
    rebuilt_apart(spark, settings, apart)
    tree = csv_tree(settings)
    assert sorted({key.split("/")[0] for key in tree}) == ["interval=1m", "interval=5m"]
    assert csv_tree(apart) == tree
