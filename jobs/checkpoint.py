"""The checkpoint: whose it is, and what Spark wrote into it about each micro-batch."""

import json
from dataclasses import dataclass
from typing import Any, Final

from jobs.storage import Store, open_store
from pricestream.errors import StorageError
from pricestream.json_text import parse_json
from pricestream.settings import Settings

INGEST: Final = "ingest"
BARS: Final = "bars"

_IDENTITY: Final = "identity.json"
_CHECKED: Final = "bars_checked.json"
_CLOSED: Final = "bars_closed.json"
_BACKFILLED: Final = "bars_backfilled.json"

#: Where Spark notes how far it has read, and what it has done.
_LOGS: Final = tuple(f"{query}/{log}" for query in (INGEST, BARS) for log in ("offsets", "commits"))

#: What to do where a mark is damaged. Where Spark's own files are, nothing but a new checkpoint helps.
_WAY_BACK: Final = {
    _IDENTITY: "remove it if the checkpoint is this stream's; else start with a new checkpoint folder",
    _CHECKED: "remove it, and every micro-batch is looked at once more",
    _CLOSED: "remove it, and make the days since the job last ran anew with jobs/backfill_prices.py",
    _BACKFILLED: "remove it: the table of bars says as much",
}
_NO_JSON: Final = (ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class MicroBatch:
    """What the offset log says of one micro-batch of the query that reads ``ticks``."""

    #: The watermark it ran with, epoch ms; 0 before there is one.
    watermark_ms: int
    #: The version of ``ticks`` up to which it read; it may have read that one in part.
    version: int
    #: It read from the table as it stood at the first start, not from single versions.
    is_snapshot: bool


@dataclass(frozen=True)
class Checkpoint:
    """The folder that holds both queries' checkpoints and our own marks beside them."""

    store: Store
    root: str

    def folder(self, query: str) -> str:
        """Where Spark keeps one query's checkpoint."""
        return f"{self.root.rstrip('/')}/{query}"

    def claim(self, identity: dict[str, str]) -> None:
        """Take the checkpoint for a stream, or make sure that it is that stream's already.

        Raises:
            StorageError: it belongs to another stream, or was made with another base interval.
        """
        written = self._read_json(_IDENTITY)
        if written is None:
            self.store.write(_IDENTITY, json.dumps(identity, indent=1).encode())
            return
        for key, ours in identity.items():
            if written.get(key) != ours:
                raise StorageError(
                    f"checkpoint {self.root} belongs to {key} {written.get(key)}, not {ours}; set job.checkpoint to a "
                    "new folder, or the settings back to what they were"
                )

    def has_started(self, query: str) -> bool:
        """Tell whether the query has ever started with this checkpoint."""
        return self.store.exists(f"{query}/metadata")

    def query_id(self, query: str) -> str:
        """Give the id that Spark made up when the query first started with this checkpoint."""
        metadata = self._read_json(f"{query}/metadata")
        if metadata is None:
            raise StorageError(f"{self.folder(query)}: has no metadata file; the checkpoint is not whole")
        if not isinstance(metadata.get("id"), str):
            raise self._damaged(f"{query}/metadata")
        return str(metadata["id"])

    def micro_batch(self, query: str, batch: int) -> MicroBatch | None:
        """Read one entry of a query's offset log; None where there is none (any more)."""
        data = self.store.read(f"{query}/offsets/{batch}")
        if data is None:
            return None
        try:
            # A line with the log's version, one about the batch, then one per source.
            _, about, offset = data.decode().splitlines()
            where = parse_json(offset)
            return MicroBatch(
                watermark_ms=int(parse_json(about)["batchWatermarkMs"]),
                version=int(where["reservoirVersion"]),
                is_snapshot=bool(where["isStartingVersion"]),
            )
        except _NO_JSON:
            raise self._damaged(f"{query}/offsets/{batch}") from None

    def check_logs(self) -> None:
        """Make sure that the newest entries of both queries' logs are whole: Spark would not say which is not.

        Raises:
            StorageError: one is cut off.
        """
        for log in _LOGS:
            names = (key.removeprefix(f"{log}/") for key in self.store.list_keys(log))
            newest = max((int(name) for name in names if name.isdigit()), default=None)
            if newest is not None and not _is_entry(self.store.read(f"{log}/{newest}") or b""):
                raise self._damaged(f"{log}/{newest}")

    def checked_through(self) -> int:
        """Tell up to which micro-batch of the bars query stragglers were looked for; -1 before the first."""
        return self._read_mark(_CHECKED, "batch", before=-1)

    def mark_checked(self, batch: int) -> None:
        """Remember it."""
        self.store.write(_CHECKED, json.dumps({"batch": batch}).encode())

    def closed_through_s(self) -> int:
        """Tell up to when windows are closed, their bars written and published, epoch seconds; 0 before the first."""
        return self._read_mark(_CLOSED, "through_s", before=0)

    def mark_closed(self, through_s: int) -> None:
        """Remember it."""
        self.store.write(_CLOSED, json.dumps({"through_s": through_s}).encode())

    def backfilled_through_s(self) -> int:
        """Tell up to when a backfill has made windows final while no stream ran, epoch seconds; 0 if none has."""
        return self._read_mark(_BACKFILLED, "through_s", before=0)

    def mark_backfilled(self, through_s: int) -> None:
        """Remember it, before the first of them is final."""
        if through_s > max(self.backfilled_through_s(), self.closed_through_s()):
            self.store.write(_BACKFILLED, json.dumps({"through_s": through_s}).encode())

    def _read_mark(self, key: str, name: str, *, before: int) -> int:
        mark = self._read_json(key)
        if mark is None:
            return before
        value = mark.get(name)
        # Not isinstance: true is an int in Python.
        if type(value) is not int:
            raise self._damaged(key)
        return value

    def _read_json(self, key: str) -> dict[str, Any] | None:
        data = self.store.read(key)
        if data is None:
            return None
        try:
            found = parse_json(data)
        except _NO_JSON:
            found = None
        if not isinstance(found, dict):
            raise self._damaged(key)
        return found

    def _damaged(self, key: str) -> StorageError:
        way_back = _WAY_BACK.get(key, "start with a new checkpoint folder")
        return StorageError(f"{self.root.rstrip('/')}/{key}: is damaged; {way_back}")


def _is_entry(data: bytes) -> bool:
    """Tell whether an entry of a log is whole: its version, then lines of JSON, a dash where a source has none."""
    version, *lines = data.decode(errors="replace").splitlines() or [""]
    try:
        for line in lines:
            if line != "-":
                parse_json(line)
    except ValueError:
        return False
    return version[:1] == "v" and bool(lines)


def open_checkpoint(settings: Settings) -> Checkpoint:
    """Open the checkpoint that the settings name."""
    root = settings.job.checkpoint
    return Checkpoint(open_store(root, settings.job.s3, settings.stream.region), root)
