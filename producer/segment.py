"""One file of the spool: numbered ticks, a JSON line each, from the number in its name on."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pricestream.errors import StorageError


@dataclass(slots=True)
class Segment:
    """Where a run of sequence numbers is, and how far it goes.

    Attributes:
        path: named by ``first_seq``.
        first_seq: the number of its first line.
        count: how many whole lines it holds.
        size: their length in bytes.
    """

    path: Path
    first_seq: int
    count: int = 0
    size: int = 0

    @property
    def next_seq(self) -> int:
        """The number that comes after its last line."""
        return self.first_seq + self.count


def segment_path(folder: Path, first_seq: int) -> Path:
    """Name a segment so that names sort as numbers do."""
    return folder / f"{first_seq:020d}.jsonl"


def sequence_number(line: bytes) -> int | None:
    """Read the sequence number of a line; None where it is not a whole record."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    seq = record.get("seq") if isinstance(record, dict) else None
    return seq if isinstance(seq, int) else None


def scan(path: Path, *, last: bool) -> Segment:
    """Count the records of a segment; in the ``last`` one, cut off what a crash left half written.

    A broken tail was never reported as written, so it was never sent either. Anything else that is
    out of place is damage.

    Raises:
        StorageError: a record is damaged or missing.
    """
    segment = Segment(path, int(path.stem))
    broken = False
    with path.open("r+b") as file:
        for line in file:
            seq, whole = sequence_number(line), line.endswith(b"\n")
            if whole and seq == segment.next_seq and not broken:
                segment.count += 1
                segment.size += len(line)
            elif last and (seq is None or not whole):
                broken = True
            else:
                raise StorageError(
                    f"{path}: record {segment.next_seq} is damaged; "
                    "move the file away to go on without its records (they are lost to the stream)"
                )
        if broken:
            file.truncate(segment.size)
            os.fsync(file.fileno())
    return segment
