"""Turn: one driver at a time commits to a Delta table on a disk.

Delta commits a version by a file that must not be there yet. On S3 a log store sees to that, on HDFS the file system.
On a disk Delta looks for the file and then renames another to its name, and a rename replaces what is there: of two
processes that do so at the same moment one loses what it committed, and neither is told (docs/adr/0014).
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from jobs.storage import DiskStore, is_on_disk, local_path


class _Shared:
    """One table's lock, held by a process as long as any of its threads needs it. Among threads Delta sees to order."""

    def __init__(self, table: Path) -> None:
        self._store = DiskStore(table)
        self._mutex = threading.Lock()
        self._count = 0
        self._held = ExitStack()

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._mutex:
            if not self._count:
                self._held.enter_context(self._store.lock("commit"))
            self._count += 1
        try:
            yield
        finally:
            with self._mutex:
                self._count -= 1
                if not self._count:
                    self._held.close()


_tables: Final[dict[Path, _Shared]] = {}
_tables_mutex: Final = threading.Lock()


@contextmanager
def turn(table: str) -> Iterator[None]:
    """Hold the turn to commit to a table.

    Args:
        table: where the table is; where it is not on a disk there is nothing to hold.
    """
    if not is_on_disk(table):
        yield
        return
    path = local_path(table)
    with _tables_mutex:
        shared = _tables.setdefault(path, _Shared(path))
    with shared.held():
        yield
