"""A cache of parsed files with a bound on their bytes: what was not asked for longest goes first."""

from collections import OrderedDict

import pyarrow as pa


class TableCache:
    """Keeps tables by the key and the version of the file that they come from."""

    def __init__(self, max_bytes: int) -> None:
        """Keep no more than ``max_bytes``, but for one table that is larger by itself."""
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, tuple[str, pa.Table]] = OrderedDict()
        self.bytes = 0

    def get(self, key: str, version: str) -> pa.Table | None:
        """Give what is held of this version; None where there is none."""
        held = self._held.get(key)
        if held is None or held[0] != version:
            return None
        self._held.move_to_end(key)
        return held[1]

    def put(self, key: str, version: str, table: pa.Table) -> None:
        """Hold a table in the place of an older version."""
        self._drop(key)
        self._held[key] = version, table
        self.bytes += table.nbytes
        while self.bytes > self._max_bytes and len(self._held) > 1:
            self._drop(next(iter(self._held)))

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self.bytes -= held[1].nbytes
