"""Hostile records, through Kinesis, among ticks that are as they should be."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, Final

from faults.drill import Drill, Outcome, Task
from faults.hostile import Hostile, fuzzed, hostile_ids, wrong_clocks
from faults.hostile_parser import AT_MS
from faults.hostile_verdict import outcome_of
from faults.kinesis_stream import Stream
from faults.lake import ticks_by_coin
from faults.market import closing, market
from faults.submitted_job import SubmittedJob
from faults.testbed import run_testbed
from faults.ticks_rows import TicksRows
from pricestream.settings import Settings

#: Coins that no hostile record names, so that their bars must be those of their ticks alone.
_COINS: Final = {"ethereum": 3_000.0, "aave": 200.0}
_MINUTES: Final = 5
END_MS: Final = AT_MS + _MINUTES * 60_000
#: Some records are long, and a call to Kinesis takes 10 MiB.
_PIECE: Final = 200


def hostile_records(rng: Random, count: int) -> list[Hostile]:
    """Give every hostile id and every wrong clock, and fuzzed records up to ``count`` in all."""
    arrival = int(time.time() * 1000)
    given = [*hostile_ids(AT_MS), *wrong_clocks(AT_MS, arrival=arrival)]
    return [*given, *fuzzed(AT_MS, rng, count - len(given))]


def put_among_ticks(stream: Stream, hostile: list[Hostile]) -> None:
    """Put them on a stream, a piece at a time between ticks of good coins."""
    ticks = iter(market(_COINS, start_ms=AT_MS, minutes=_MINUTES))
    share = len(_COINS) * _MINUTES * 6 * _PIECE // len(hostile) + 1
    for start in range(0, len(hostile), _PIECE):
        stream.put_ticks(list(islice(ticks, share)))
        stream.put(*(each.payload for each in hostile[start : start + _PIECE]))
    stream.put_ticks(list(ticks))


def verdict(hostile: list[Hostile], rows: Iterator[dict[str, Any]], in_bars: Counter[str]) -> Outcome:
    """Hold what is in ``ticks`` and in the files against what was sent.

    Args:
        hostile: what was sent.
        rows: see :func:`faults.hostile_verdict.outcome_of`; those of good coins and of the job's own clock too.
        in_bars: how many ticks of each coin the files of the base interval tell of.
    """
    sent = {each.payload for each in hostile}
    outcome = outcome_of(hostile, [row for row in rows if bytes(row["payload"]) in sent])
    due = dict.fromkeys(_COINS, _MINUTES * 6)
    told = {coin: in_bars[coin] for coin in _COINS}
    lost = () if told == due else (f"{due} ticks of good coins were sent, {told} are in bars",)
    return Outcome({**outcome.counts, "good ticks in bars": sum(told.values())}, (*outcome.broken, *lost))


def run(task: Task) -> Outcome:
    """Let a job read them, and look at each row."""
    hostile = hostile_records(task.rng, task.count)
    with run_testbed(task.place) as bed:
        stream = bed.stream()
        settings, overrides = bed.settings("hostile", stream)
        with SubmittedJob.start(settings, overrides, task.place / "job.log") as job:
            put_among_ticks(stream, hostile)
            stream.put(closing(settings, END_MS))
            task.say(f"{stream.sent:,} records sent")
            job.settle(rows=stream.sent, watermark_ms=END_MS)
            job.stop()
        return verdict(hostile, _rows(settings), ticks_by_coin(settings))


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    names = ("payload", "status", "reason", "coin_id", "vs_currency", "price", "event_time", "polled_at")
    for row in TicksRows.of(settings).read(*names):
        times = {"event_ms": row.pop("event_time"), "polled_ms": row.pop("polled_at")}
        yield row | {name: None if at is None else round(at.timestamp() * 1000) for name, at in times.items()}


DRILL: Final = Drill(
    name="hostile-stream",
    fault="broken, hostile and absurd records, through Kinesis",
    run=run,
    unit="records",
    short=1_000,
    full=50_000,
    has_spark=True,
)
