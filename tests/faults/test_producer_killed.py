"""The producer, killed: as a process at random calls, and its spool at each single one."""

import json
import os
from pathlib import Path
from random import Random

import pytest

from faults.die_at import DeathTrap, Moment
from faults.drill import Task
from faults.producer_killed import DRILL
from pricestream.tick import Tick
from producer.spool import Record, Spool

ROUNDS, EACH = 9, 3


class Killed(BaseException):
    """What stands for the kill within the tests' own process."""


def die(_: str) -> None:
    raise Killed


def test_a_producer_that_is_killed_loses_nothing_and_uses_no_number_twice(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(11)))
    assert outcome.holds, outcome.broken
    assert outcome.counts["kills"] == 3
    assert sum(count for name, count in outcome.counts.items() if name.startswith("at ")) == 3
    # 250 trades, and a heartbeat at least, in a run that nothing disturbs.
    assert outcome.counts["records on the stream"] > 250


def spool(folder: Path) -> Spool:
    # Files of two or three ticks, so that they are rolled over and dropped all the time.
    return Spool(folder / "spool", 1e9, segment_bytes=500)


def work(folder: Path, sent: list[Record]) -> None:
    """Put ticks through a spool: as many as are missing up to what all rounds together make."""
    folder.mkdir(exist_ok=True)
    it = spool(folder)
    while it.next_seq <= ROUNDS * EACH or it.pending:
        if it.next_seq <= ROUNDS * EACH:
            first = it.next_seq
            it.append(Tick("aave", "usd", 1.5, 1, 1, "p", seq, "coingecko") for seq in range(first, first + EACH))
        it.sync()
        records = it.peek(4)
        sent += records
        it.ack(records[-1].seq)
    it.close()


def calls_of(folder: Path) -> int:
    with DeathTrap(folder, call=None, die=die) as trap:
        work(folder, [])
    return trap.calls.total()


@pytest.mark.parametrize(
    ("moment", "kept"),
    # The last leaves one new digit of a two-digit number before an old one.
    [(Moment.BEFORE, 0), (Moment.AFTER, 1), (Moment.TORN, 0.5), (Moment.TORN, 0.93)],
)
def test_a_spool_outlives_a_kill_at_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: Moment, kept: float
) -> None:
    # A kill leaves what is in the system's memory, synced or not.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    calls = calls_of(tmp_path / "undisturbed")
    assert calls > 50
    for call in range(1, calls + 1):
        folder, sent = tmp_path / str(call), list[Record]()
        with pytest.raises(Killed), DeathTrap(folder, call=call, moment=moment, kept=kept, die=die):
            work(folder, sent)
        work(folder, sent)
        by_seq: dict[int, bytes] = {}
        for record in sent:
            assert by_seq.setdefault(record.seq, record.data) == record.data, f"{moment} call {call}"
            assert json.loads(record.data)["seq"] == record.seq, f"{moment} call {call}"
        last = max(by_seq)
        assert sorted(by_seq) == list(range(1, last + 1)), f"{moment} call {call}"
        assert last >= ROUNDS * EACH
