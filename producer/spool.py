"""A bounded queue on disk: every tick passes through it, in order, and stays until it is on the stream."""

import json
import os
from collections import deque
from collections.abc import Iterable
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple, Self

from pricestream.atomic import sync_folder
from pricestream.errors import StorageError
from pricestream.tick import Tick
from producer.segment import Segment, scan, segment_path

_SEGMENT_BYTES = 4 * 1024 * 1024


class Record(NamedTuple):
    """A tick as it goes on the stream."""

    seq: int
    partition_key: str
    data: bytes


class Spool:
    """Keeps ticks by sequence number from ``append`` until ``ack``.

    What ``append`` wrote outlives the process at once, and a power cut after ``sync``; nothing may
    be sent before that, so that no number is ever used for two ticks. The position of ``ack`` is
    only a hint: where it is lost, ticks are sent again under the same numbers. The newest file
    always stays, so that its name and lines give the next number even when all was sent.
    """

    def __init__(self, folder: Path, max_bytes: float, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """Open the queue in ``folder``, or begin it at number 1.

        Raises:
            StorageError: the folder cannot be used, or what is in it is damaged.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._head: deque[Record] = deque()
        self._dirty = False
        self._acked = 0
        self._pending_bytes = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._ack_fd = os.open(folder / "acked", os.O_RDWR | os.O_CREAT, 0o644)
            self._segments = self._recover()
            self._fd = os.open(self._segments[-1].path, os.O_WRONLY | os.O_APPEND)
            self._cursor = self._find_cursor()
        except OSError as error:
            raise StorageError(f"spool {folder}: cannot be used: {error.strerror}") from None

    @property
    def next_seq(self) -> int:
        """The number that the next tick must carry."""
        return self._segments[-1].next_seq

    @property
    def pending(self) -> int:
        """How many ticks wait to be acknowledged."""
        return self.next_seq - 1 - self._acked

    @property
    def full(self) -> bool:
        """Whether the waiting ticks have reached the bound."""
        return self._pending_bytes >= self._max_bytes

    def append(self, ticks: Iterable[Tick]) -> None:
        """Write ticks, whose numbers must go on from ``next_seq``.

        Raises:
            StorageError: the disk refuses; nothing of these ticks is kept.
        """
        lines = []
        for seq, tick in enumerate(ticks, self.next_seq):
            if tick.seq != seq:
                raise ValueError(f"tick {tick.seq} cannot follow {seq - 1}")
            lines.append(tick.to_json() + b"\n")
        block = b"".join(lines)
        try:
            if self._segments[-1].size >= self._segment_bytes:
                self._roll()
            self._write(block)
        except OSError as error:
            raise StorageError(f"spool {self._folder}: cannot be written: {error.strerror}") from None
        self._segments[-1].count += len(lines)
        self._segments[-1].size += len(block)
        self._pending_bytes += len(block)
        self._dirty = True

    def sync(self) -> None:
        """Make everything appended outlive a power cut.

        Raises:
            StorageError: the disk refuses.
        """
        if self._dirty:
            try:
                os.fsync(self._fd)
            except OSError as error:
                raise StorageError(f"spool {self._folder}: cannot be written: {error.strerror}") from None
            self._dirty = False

    def peek(self, limit: int) -> list[Record]:
        """Give the oldest ticks that are not acknowledged, at most ``limit``.

        Raises:
            StorageError: a record is damaged.
        """
        if len(self._head) < limit:
            self._read_ahead(limit - len(self._head))
        return list(islice(self._head, limit))

    def ack(self, seq: int) -> None:
        """Forget the ticks up to and including ``seq``, which were peeked at: they are on the stream.

        Raises:
            StorageError: the disk refuses.
        """
        while self._head and self._head[0].seq <= seq:
            record = self._head.popleft()
            self._pending_bytes -= len(record.data) + 1
            self._acked = record.seq
        try:
            # Twice: a number that is overwritten in part could be one that was never sent.
            os.pwrite(self._ack_fd, b"%020d %020d\n" % (self._acked, self._acked), 0)
            self._drop_acknowledged()
        except OSError as error:
            raise StorageError(f"spool {self._folder}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Write everything down and let go of the files."""
        self.sync()
        os.close(self._fd)
        os.close(self._ack_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _recover(self) -> list[Segment]:
        paths = sorted(self._folder.glob("[0-9]" * 20 + ".jsonl"))
        segments = [scan(path, last=path == paths[-1]) for path in paths]
        for before, after in pairwise(segments):
            if before.next_seq != after.first_seq:
                raise StorageError(f"spool {self._folder}: records {before.next_seq} to {after.first_seq - 1} are gone")
        acked = self._read_ack()
        if not segments:
            segments = [self._new_segment(acked + 1)]
        self._acked = max(acked, segments[0].first_seq - 1)
        if self._acked >= segments[-1].next_seq:
            # Numbers that were sent are used, whatever became of the file that held them.
            for segment in segments:
                segment.path.unlink()
            segments = [self._new_segment(self._acked + 1)]
        return segments

    def _read_ack(self) -> int:
        # Where they differ one is torn; the lesser is never more than what was sent. Earlier versions wrote one.
        numbers = os.pread(self._ack_fd, 64, 0).split()
        return min(map(int, numbers), default=0) if all(map(bytes.isdigit, numbers)) else 0

    def _find_cursor(self) -> tuple[int, int]:
        """Find where the first tick is that is not acknowledged: its segment's first number, and the offset."""
        self._drop_acknowledged()
        first = self._segments[0]
        with first.path.open("rb") as file:
            offset = sum(len(line) for line in islice(file, self._acked + 1 - first.first_seq))
        self._pending_bytes = sum(segment.size for segment in self._segments) - offset
        return first.first_seq, offset

    def _drop_acknowledged(self) -> None:
        while len(self._segments) > 1 and self._segments[0].next_seq <= self._acked + 1:
            self._segments.pop(0).path.unlink()

    def _new_segment(self, first_seq: int) -> Segment:
        path = segment_path(self._folder, first_seq)
        path.touch()
        sync_folder(self._folder)
        return Segment(path, first_seq)

    def _roll(self) -> None:
        os.fsync(self._fd)
        segment = self._new_segment(self.next_seq)
        os.close(self._fd)
        self._fd = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
        self._segments.append(segment)

    def _write(self, block: bytes) -> None:
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            # Half a tick must not be left in front of the next one.
            os.ftruncate(self._fd, self._segments[-1].size)
            raise

    def _read_ahead(self, count: int) -> None:
        """Move up to ``count`` more ticks from disk into the head."""
        first_seq, offset = self._cursor
        for segment in [each for each in self._segments if each.first_seq >= first_seq]:
            if segment.first_seq != first_seq:
                first_seq, offset = segment.first_seq, 0
            with segment.path.open("rb") as file:
                file.seek(offset)
                lines = list(islice(file, count))
            self._head.extend(self._parse(line, segment.path) for line in lines)
            offset += sum(map(len, lines))
            count -= len(lines)
            if count <= 0:
                break
        self._cursor = first_seq, offset

    def _parse(self, line: bytes, path: Path) -> Record:
        expected = self._head[-1].seq + 1 if self._head else self._acked + 1
        try:
            record = json.loads(line)
            seq, key = record["seq"], record["coin_id"]
        except (ValueError, KeyError, TypeError):
            seq, key = None, ""
        if seq != expected:
            raise StorageError(f"{path}: record {expected} is damaged")
        return Record(expected, key, line.rstrip(b"\n"))
