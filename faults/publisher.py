"""Publisher: jobs.publish as a process of its own, without Spark, that stops before each of its I/O calls."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Any, Final

import pandas as pd  # noqa: F401 - pyarrow imports it at its first use, which each process would do anew
import pyarrow as pa

from faults.asked_io import GO, Ask, Call
from jobs.batches import Batches
from jobs.publish import Partition, publish_files
from jobs.storage import Store

#: The lines that ``bars`` has for each file, sorted; a file that it has none for is not there.
Lines = Mapping[str, Sequence[str]]
#: Makes every I/O call ask first.
Asked = Callable[[Ask], AbstractContextManager[None]]

#: It reads ``bars``, which takes a while: the place where another publisher is most in the way.
READS_BARS: Final = "read bars"
#: Calls behind which a reader may see something else than before.
CHANGING: Final = frozenset({"open to write", "write", "replace", "mkdir", "unlink", "PUT", "DELETE"})
#: A file's lines come in several batches.
_BATCH_ROWS: Final = 2
_PATIENCE_SECONDS: Final = 60


class PublisherError(Exception):
    """A publisher failed, where it had to put up with what was done to it."""


class Publisher:
    """A process that publishes. It is a fork: what it holds ends with it, as with any process."""

    def __init__(
        self,
        store: Store,
        partitions: Sequence[Partition],
        asked: Asked,
        bars: Callable[[], Lines],
        *,
        skip: int = 0,
        is_quiet: bool = False,
    ) -> None:
        """Start it.

        Args:
            store: where it publishes to.
            partitions: which files.
            asked: makes its calls ask.
            bars: gives what the table holds at the moment.
            skip: how many calls it makes before it asks for the first time.
            is_quiet: it asks only right behind calls that change something.
        """
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe()
        self._bars = bars
        asker = _Asker(theirs, bars(), skip, is_quiet=is_quiet)
        self._process = context.Process(target=_publish, args=(asker, store, partitions, asked), daemon=True)
        self._process.start()
        theirs.close()

    def next_call(self) -> Call | None:
        """Give the call that it waits before; None where it has ended.

        Raises:
            PublisherError: it failed, or does not come that far.
        """
        if not self._ours.poll(_PATIENCE_SECONDS):
            raise PublisherError("a publisher neither goes on nor ends")
        try:
            said: Call | str | None = self._ours.recv()
        except EOFError:
            said = None
        if isinstance(said, str):
            raise PublisherError(said)
        if said is None:
            self._process.join()
        return said

    def go(self, reply: str = GO, *, is_quiet: bool = False) -> None:
        """Let it make the call that it waits before, or what else is to become of it."""
        self._ours.send((reply, self._bars(), is_quiet))

    def wait_for_end(self) -> None:
        """Wait until the process is gone."""
        self._process.join(_PATIENCE_SECONDS)
        self._ours.close()

    def kill(self) -> None:
        """End it as kill -9 does, wherever it is."""
        self._process.kill()
        self.wait_for_end()


class _Asker:
    """The process's side: asks before a call, and waits for the answer."""

    def __init__(self, pipe: Connection, bars: Lines, skip: int, *, is_quiet: bool) -> None:
        self.pipe = pipe
        #: As they were when it was last told to go on.
        self.bars = bars
        self._skip = skip
        self._is_quiet = is_quiet
        self._has_changed = False

    def __call__(self, call: Call) -> str:
        is_due = self._skip <= 0 and (self._has_changed or not self._is_quiet)
        self._skip -= 1
        self._has_changed = call.name in CHANGING
        if not is_due:
            return GO
        self.pipe.send(call)
        reply, self.bars, self._is_quiet = self.pipe.recv()
        return str(reply)


def _publish(asker: _Asker, store: Store, partitions: Sequence[Partition], asked: Asked) -> None:
    def over_lines(some: list[Partition], function: Callable[[Batches], Batches]) -> list[dict[str, Any]]:
        asker(Call(READS_BARS, ""))
        rows = [(each.key, line) for each in some for line in asker.bars.get(each.key, ())]
        return [receipt for batch in function(batches_of(rows)) for receipt in batch.to_pylist()]

    try:
        with asked(asker):
            publish_files(store, "the tree", partitions, over_lines)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        asker.pipe.send(f"a publisher failed: {type(error).__name__}: {error}")
    else:
        asker.pipe.send(None)


def batches_of(rows: Sequence[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
    """Give (key, line) as executors are given them."""
    for start in range(0, len(rows), _BATCH_ROWS):
        keys, lines = zip(*rows[start : start + _BATCH_ROWS], strict=True)
        yield pa.RecordBatch.from_pydict({"key": list(keys), "line": list(lines)})
