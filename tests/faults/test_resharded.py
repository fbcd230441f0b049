"""Shards that split and merge, on a stand-in that knows what that is."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from faults.drill import Task
from faults.kinesis_local import run_kinesis_local
from faults.market import market
from faults.proxy import Proxy
from faults.resharded import DRILL, NINE, drill
from faults.shard_tap import ShardTap
from faults.sharded_job import ShardedJob, Start
from faults.shards import ShardedStream
from faults.stand_in import kinesis_client
from jobs.audit import audit_lake
from jobs.audit_scope import Dates
from pricestream.tick import heartbeat
from tests.support.streaming import running_jobs

MINUTE = 60_000


@pytest.fixture
def start(spark: SparkSession) -> Iterator[Start]:
    with running_jobs(spark) as start_job:
        yield lambda settings, _: start_job(settings)


@dataclass
class Kinesis:
    url: str
    proxy_url: str
    tap: ShardTap

    def stream(self) -> ShardedStream:
        made = ShardedStream(kinesis_client(self.url), "prices", random.Random(1))
        made.create(1)
        return made


@pytest.fixture
def kinesis(tmp_path: Path) -> Iterator[Kinesis]:
    tap = ShardTap()
    with run_kinesis_local(tmp_path) as url, Proxy(url, tap.meddle) as proxy:
        yield Kinesis(url, proxy.url, tap)


def test_every_record_of_shards_that_split_and_merge_is_a_row_and_in_its_bar(tmp_path: Path, start: Start) -> None:
    outcome = drill(Task(tmp_path, DRILL.short, random.Random("resharded")), start)
    assert outcome.broken == ()
    counts = outcome.counts
    assert [counts[f"{kind} while {when}"] for kind in ("split", "merge") for when in ("running", "down")] == [1] * 4
    # Three coins, six ticks a minute: three minutes in the parents each time, 49 minutes in all, and a heartbeat.
    assert counts["records unread in the parents"] == 4 * 3 * 18
    assert counts["records"] == 49 * 18 + 1


@pytest.mark.long
def test_bars_of_parents_that_are_read_behind_their_children_are_made_anew(tmp_path: Path, start: Start) -> None:
    outcome = drill(Task(tmp_path, 2 * DRILL.short, random.Random("resharded")), start)
    assert outcome.broken == ()
    # Of one split the three minutes in the parent were read after their windows had closed, of three coins each.
    assert outcome.counts["empty pages of parents"] > 0
    assert outcome.counts["windows rebuilt"] >= 3 * 3


@pytest.mark.long
def test_a_job_that_began_at_the_tip_reads_shards_from_their_beginning_that_came_while_it_was_down(
    kinesis: Kinesis, tmp_path: Path, start: Start
) -> None:
    ticks = [tick.to_json() for tick in market({"bitcoin": 60_000.0}, start_ms=NINE, minutes=5)]
    stream = kinesis.stream()
    stream.put(ticks[:5], stream.open_shards())
    job = ShardedJob.make(stream, kinesis.url, tmp_path / "lake", start, "job.kinesis.starting_position=LATEST")
    # It was told to leave these out.
    stream.sequence_numbers.clear()
    job.start()
    job.job.settle(rows=0, watermark_ms=0)
    job.put(ticks[5:10])
    job.catch_up()
    job.stop()

    (parent,) = stream.open_shards()
    job.put(ticks[10:15])
    stream.split(parent)
    stream.wait()
    job.put(ticks[15:20])
    job.start()
    job.put(ticks[20:])
    job.catch_up()
    job.stop()
    assert job.rows.sequence_numbers() == dict.fromkeys(stream.sequence_numbers, 1)


@pytest.mark.long
def test_what_a_connector_passes_over_in_a_closed_parent_is_named_and_comes_back(
    spark: SparkSession, kinesis: Kinesis, tmp_path: Path, start: Start
) -> None:
    """The connector of the EMR image takes a closed shard for read."""
    ticks = market({"bitcoin": 60_000.0}, start_ms=NINE, minutes=5)
    payloads = [tick.to_json() for tick in ticks]
    stream = kinesis.stream()
    job = ShardedJob.make(stream, kinesis.proxy_url, tmp_path / "lake", start)
    job.put(payloads[:6])
    job.start()
    job.catch_up()
    (parent,) = stream.open_shards()
    kinesis.tap.pass_over(frozenset([parent.id]))
    job.put(payloads[6:18])
    stream.split(parent)
    stream.wait()
    job.put(payloads[18:])
    clock_ms = NINE + 5 * MINUTE + job.settings.job.watermark_seconds * 1000
    job.put([heartbeat(clock_ms=clock_ms, producer_id="p", seq=len(ticks) + 1, source="simulated").to_json()])
    job.job.settle(rows=6 + 12 + 1, watermark_ms=NINE + 5 * MINUTE)
    job.stop()
    kinesis.tap.pass_over(frozenset())

    found = audit_lake(spark, job.settings, Dates())
    assert [(gap.from_seq, gap.to_seq) for gap in found.completeness.gaps] == [(7, 18)]
    repaired = audit_lake(spark, job.settings, Dates(), repair=True)
    assert repaired.repair is not None
    assert (repaired.repair.landed, repaired.holds) == (12, True)
    assert job.rows.sequence_numbers() == dict.fromkeys(stream.sequence_numbers, 1)
