"""Resharded: shards are split and merged with unread records in them, while the job reads and while it is down."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Final

from faults.drill import Drill, Outcome, Task
from faults.kinesis_local import run_kinesis_local
from faults.market import market
from faults.proxy import Proxy
from faults.shard_tap import ShardTap
from faults.sharded_job import ShardedJob, Start
from faults.shards import Shard, ShardedStream
from faults.stand_in import kinesis_client
from faults.submitted_job import SubmittedJob
from pricestream.tick import Tick

NINE: Final = 1_767_603_600_000  # 2026-01-05T09:00:00Z
_MINUTE: Final = 60_000
_COINS: Final = {"bitcoin": 60_000.0, "ethereum": 3_000.0, "aave": 200.0}
_TICKS_A_MINUTE: Final = 6 * len(_COINS)
#: Of the market's time, minutes: what makes a batch begin, what lies unread in the parents, and what comes to the
#: children, which is enough to close the windows of what lies in the parents.
_FIRST, _BEFORE, _AFTER = 1, 3, 8

#: The four reshardings of a round.
_ROUND: Final = (("split", "running"), ("merge", "running"), ("split", "down"), ("merge", "down"))
#: When it happens to a job that runs: between its listing of the shards and its reading of them; before it lists them;
#: while its reads of the parents fall behind those of the children.
_MOMENTS: Final = ("read", "listed", "behind")


def drill(task: Task, start: Start) -> Outcome:
    """Split and merge shards under a job, and compare what it makes with what it makes of one shard left in peace."""
    minutes = _FIRST + task.count * (_FIRST + _BEFORE + _AFTER)
    ticks = market(_COINS, start_ms=NINE, minutes=minutes)
    end_ms = NINE + minutes * _MINUTE
    tap = ShardTap()
    with run_kinesis_local(task.place) as url, Proxy(url, tap.meddle) as proxy:

        def stream(name: str) -> ShardedStream:
            made = ShardedStream(kinesis_client(url), name, task.rng)
            made.create(1)
            return made

        job = ShardedJob.make(stream("resharded"), proxy.url, task.place / "resharded", start)
        reshards = _Reshards(job, tap, iter(ticks))
        reshards.begin()
        for done in range(0, task.count, len(_ROUND)):
            task.say(f"{done} of {task.count} {DRILL.unit}")
            reshards.do(_ROUND[: task.count - done])
        reshards.end(end_ms)

        task.say("the same ticks on one shard, in peace")
        peace = ShardedJob.make(stream("in-peace"), url, task.place / "in_peace", start)
        peace.put([tick.to_json() for tick in ticks])
        peace.start()
        peace.end(end_ms)
    return _judge(job, peace, reshards.counts, tap)


@dataclass
class _Reshards:
    """Does it to the stream of a job."""

    job: ShardedJob
    tap: ShardTap
    ticks: Iterator[Tick]
    counts: Counter[str] = field(default_factory=Counter)
    _moments: Iterator[str] = field(default_factory=lambda: cycle(_MOMENTS))

    def begin(self) -> None:
        """Let the job read the shards that there are at first."""
        self._put(_FIRST, None)
        self.job.start()
        self.job.catch_up()

    def end(self, end_ms: int) -> None:
        """Put what is left of the ticks, close all windows, and stop the job."""
        self.job.put([tick.to_json() for tick in self.ticks])
        self.job.end(end_ms)

    def do(self, kinds: Sequence[tuple[str, str]]) -> None:
        """Reshard so, first while the job runs, then while it is down."""
        for kind, when in kinds:
            if when == "running":
                self._while_running(kind)
        down = [kind for kind, when in kinds if when == "down"]
        if down:
            self.job.stop()
            # The second one may well meet the children of the first, which nobody has read yet.
            for kind in down:
                parents = self._choose(kind)
                self._strike(kind, parents)
                self._follow(parents)
                self.counts[f"{kind} while down"] += 1
            self.job.start()
            self.job.catch_up()

    def _while_running(self, kind: str) -> None:
        parents = self._choose(kind)
        ids = frozenset(parent.id for parent in parents)
        moment = next(self._moments)
        done: Future[int] = Future()

        def strike() -> None:
            try:
                done.set_result(self._strike(kind, parents))
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                done.set_exception(error)

        if moment == "listed":
            self.tap.seize_listing(strike)
        elif moment == "read":
            self.tap.seize_reading(ids, strike)
            self._put(_FIRST, parents)
        else:
            self.tap.hold_back(ids)
            strike()
        self.job.job.wait(f"the moment ({moment})", done.done)
        closed_ms = done.result()
        self._follow(parents)
        if moment == "behind":
            self.job.job.wait("the parents' windows to close", lambda: self.job.watermark_ms >= closed_ms)
            self.tap.hold_back(frozenset())
        self.counts[f"{kind} while running"] += 1
        self.job.catch_up()

    def _choose(self, kind: str) -> list[Shard]:
        """Choose one shard to split, or two neighbours to merge."""
        shards = self.job.stream.open_shards()
        wanted = 1 if kind == "split" else 2
        at = self.job.stream.rng.randrange(len(shards) - wanted + 1)
        return shards[at : at + wanted]

    def _strike(self, kind: str, parents: Sequence[Shard]) -> int:
        """Leave records unread in the parents, and reshard.

        Returns:
            The end of the windows that the records are in, epoch ms.
        """
        unread = self._put(_BEFORE, parents)
        self.counts["records unread in the parents"] += len(unread)
        if kind == "split":
            self.job.stream.split(*parents)
        else:
            self.job.stream.merge(*parents)
        return unread[-1].event_time // _MINUTE * _MINUTE + _MINUTE

    def _follow(self, parents: Sequence[Shard]) -> None:
        """Give the children more."""
        self.job.stream.wait()
        self._put(_AFTER, parents)

    def _put(self, minutes: int, among: Sequence[Shard] | None) -> list[Tick]:
        """Put the market's next minutes on the stream."""
        ticks = list(islice(self.ticks, minutes * _TICKS_A_MINUTE))
        self.job.put([tick.to_json() for tick in ticks], among)
        return ticks


def _judge(job: ShardedJob, peace: ShardedJob, counts: Counter[str], tap: ShardTap) -> Outcome:
    sent, rows = set(job.stream.sequence_numbers), job.rows.sequence_numbers()
    tree, wanted = job.tree, peace.tree
    differing = sorted(key for key in tree.keys() | wanted.keys() if tree.get(key) != wanted.get(key))
    lines = [
        f"{len(sent - rows.keys()):,} of {len(sent):,} records are no row" if sent - rows.keys() else "",
        f"{len(rows.keys() - sent):,} rows are of no record" if rows.keys() - sent else "",
        "there are no files" if not wanted else "",
        f"{len(differing):,} files differ from those of one shard, such as {differing[0]}" if differing else "",
    ]
    found = {
        "records": len(sent),
        "read twice": rows.total() - len(rows),
        "empty pages of parents": tap.pages_withheld,
        "windows rebuilt": job.rebuilt,
        "files": len(wanted),
    }
    return Outcome(dict(counts) | found, tuple(filter(None, lines)))


def _run(task: Task) -> Outcome:
    with ExitStack() as jobs:
        log = task.place / "job.log"
        return drill(task, lambda settings, overrides: jobs.enter_context(SubmittedJob.start(settings, overrides, log)))


DRILL: Final = Drill(
    name="resharded",
    fault="shards are split and merged with unread records in them",
    run=_run,
    unit="reshards",
    short=4,
    full=40,
    has_spark=True,
)
