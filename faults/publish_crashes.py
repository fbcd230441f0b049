"""Publish crashes: the end of a publisher at every I/O call that it makes, and another one in its way at each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from faults.asked_io import HALF, LOSE, Call
from faults.drill import Drill, Outcome, Task
from faults.power_cut import Unsure
from faults.publish_tree import DiskTree, Reader, S3Tree, Tree, World, random_world, small_world
from faults.publisher import Publisher, PublisherError
from faults.stand_in import REGION, run_stand_in, s3_client
from jobs.storage import S3Store

_BUCKET: Final = "publish-crashes"

_KILL: Final = "killed at a call"
TORN: Final = "killed within a write"
_POWER: Final = "power cut at a call"
_LOST: Final = "answers lost"
_SECOND: Final = "another publisher in between"
_SECOND_ALONE: Final = "another in between and the first killed"
_ON_DISK: Final = (_KILL, TORN, _POWER, _SECOND)
_ON_S3: Final = (_KILL, _LOST, _SECOND)

_MOST_CALLS: Final = {"disk": 100, "s3": 25}
_REVISIONS: Final = 6


@dataclass
class Run:
    """A tree that is published to, again and again, and what came of it."""

    tree: Tree
    world: World
    counts: Counter[str]
    #: The revision that ``bars`` is at.
    now: int = 0
    #: What is being done, for the lines of what is broken.
    what: str = ""
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = Reader(self.tree, self.world)
        self.begin()

    def begin(self) -> None:
        """Begin with a tree that is whole, at the first revision."""
        self.now = 0
        self.tree.begin(self.world.files(0))
        self.reader.begin()

    def advance(self) -> None:
        """Let ``bars`` say something newer, where there is something newer to say."""
        self.now = min(self.now + 1, len(self.world.revisions) - 1)

    def start(self, *, skip: int = 0, is_quiet: bool = False) -> Publisher:
        """Start a publisher; see :class:`faults.publisher.Publisher`."""
        return Publisher(
            self.tree.store,
            self.world.partitions,
            self.tree.asked(),
            lambda: self.world.revisions[self.now],
            skip=skip,
            is_quiet=is_quiet,
        )

    def look(self, call: Call | None = None) -> None:
        """Let a reader look at every file, before a call or at the end."""
        self.reader.look(f"{self.what} ({call or 'the end'})", newest=self.now)

    def finish(self, publisher: Publisher) -> None:
        """Let it make all calls that are left, and read wherever something may have changed."""
        while call := publisher.next_call():
            self.look(call)
            publisher.go(is_quiet=True)
        self.look()

    def publish(self) -> None:
        """Publish once undisturbed, and check that nothing is left to be wished for."""
        self.finish(self.start(is_quiet=True))
        self.reader.check_end(f"{self.what}, and one more publish", newest=self.now)


def _run(task: Task) -> Outcome:
    with _trees(task.place) as trees:
        counts: Counter[str] = Counter()
        broken: list[str] = []
        for tree, ways in trees:
            task.say(f"every call of one publish, on {tree.name}")
            run = Run(tree, small_world(), counts)
            every_call(run, ways)
            broken += run.reader.broken
            counts["reads in between"] += run.reader.looks
        for number in range(task.count):
            tree, ways = task.rng.choice(trees)
            run = Run(tree, random_world(task.rng, revisions=_REVISIONS), counts)
            _at_random(run, ways, task.rng, f"run {number + 1}")
            broken += run.reader.broken
            counts["reads in between"] += run.reader.looks
            if number % 20 == 19:
                task.say(f"{number + 1} of {task.count} random runs")
        return Outcome(dict(counts), tuple(dict.fromkeys(broken)))


def every_call(run: Run, ways: tuple[str, ...]) -> None:
    """Do to a publish what is to be done to it, at every call that it makes."""
    run.what = f"{run.tree.name}: undisturbed"
    run.advance()
    calls = _calls_of(run)
    run.counts[f"calls of a publish on {run.tree.name}"] = len(calls)
    for how in ways:
        # One more: an end right behind the last call.
        for at in range(1, len(calls) + 2):
            if how == TORN and calls[at - 1 : at] != ["write"]:
                continue
            run.begin()
            run.advance()
            run.what = f"{run.tree.name}: {how} {at}"
            _strike(run, how, at)


def _calls_of(run: Run) -> list[str]:
    """Publish undisturbed, and read before each call. Gives the names of the calls."""
    publisher, calls = run.start(), list[str]()
    while call := publisher.next_call():
        calls.append(call.name)
        run.look(call)
        publisher.go()
    run.reader.check_end(run.what, newest=run.now)
    return calls


def _at_random(run: Run, ways: tuple[str, ...], rng: Random, name: str) -> None:
    for _ in range(rng.randint(2, 5)):
        run.advance()
        how, at = rng.choice((*ways, _SECOND_ALONE)), rng.randint(1, _MOST_CALLS[run.tree.name])
        run.what = f"{name}, {run.tree.name}: {how} {at}"
        _strike(run, how, at)


def _strike(run: Run, how: str, at: int) -> None:
    try:
        _strike_at(run, how, at)
    except PublisherError as error:
        run.reader.broken.append(f"{run.what}: {error}")


def _strike_at(run: Run, how: str, at: int) -> None:
    """Let a publisher come to a call, do to it what is to be done, and publish once more."""
    unsure = Unsure()
    if how == _POWER:
        publisher = run.start()
        call = _note_until(publisher, at, unsure)
    else:
        publisher = run.start(skip=at - 1)
        call = publisher.next_call()
    if call is None and how != _POWER:
        publisher.kill()
        run.publish()
        return
    if how == TORN and call and call.name != "write":
        publisher.kill()
        return
    run.counts[how] += 1
    run.look(call)
    if how in (_SECOND, _SECOND_ALONE):
        _in_between(run, publisher, is_first_killed=how == _SECOND_ALONE)
    elif how == _LOST:
        publisher.go(LOSE, is_quiet=True)
        run.finish(publisher)
    elif how == TORN:
        publisher.go(HALF)
        publisher.wait_for_end()
    else:
        publisher.kill()
    if how == _POWER:
        unsure.cut()
        # What nobody had said was there for good may be gone again.
        run.reader.begin()
    run.look(call)
    if call is None or how in (_LOST, _SECOND, _SECOND_ALONE):
        # Nobody need publish once more.
        run.reader.check_end(run.what, newest=run.now)
        return
    run.counts["publishes after a crash"] += 1
    run.publish()


def _note_until(publisher: Publisher, at: int, unsure: Unsure) -> Call | None:
    """Let it make all calls before number ``at``; give that one, or None where it has ended before."""
    for _ in range(at - 1):
        call = publisher.next_call()
        if call is None:
            return None
        unsure.note(call)
        publisher.go()
    return publisher.next_call()


def _in_between(run: Run, first: Publisher, *, is_first_killed: bool) -> None:
    """Let another one publish what is newer, as far as it can, and then the first go on or end."""
    run.advance()
    is_locked_out = run.tree.is_locked()
    second = run.start(is_quiet=not is_locked_out)
    if is_locked_out:
        run.counts["publishers that waited for the lock"] += 1
        while (call := second.next_call()) and call.name != "flock":
            second.go()
        second.go(is_quiet=True)
    else:
        run.finish(second)
    if is_first_killed:
        first.kill()
    else:
        first.go(is_quiet=True)
        run.finish(first)
    if is_locked_out:
        run.finish(second)


@contextmanager
def _trees(place: Path) -> Iterator[list[tuple[Tree, tuple[str, ...]]]]:
    with run_stand_in(place) as url:
        client = s3_client(url)
        client.create_bucket(Bucket=_BUCKET)
        on_s3 = S3Tree(client, _BUCKET, S3Store(_BUCKET, "", url, path_style=True, region=REGION))
        trees: list[tuple[Tree, tuple[str, ...]]] = [(DiskTree(place / "disk"), _ON_DISK), (on_s3, _ON_S3)]
        yield trees


DRILL: Final = Drill(
    name="publish-crashes",
    fault="a publisher is killed, or another one comes between, at every I/O call; the power fails; answers are lost",
    run=_run,
    unit="runs",
    short=6,
    full=200,
)
