"""Rows of ``ticks``, read without Spark: which records of the stream are there, and how often."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import pyarrow.parquet as pq

from pricestream.settings import Settings


@dataclass
class TicksRows:
    """Reads each file of the table once, however often it is asked."""

    table: Path
    _read: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Find the table of a lake on a disk."""
        return cls(Path(settings.job.ticks))

    def read(self, *columns: str) -> Iterator[dict[str, Any]]:
        """Give those columns of every row, a file at a time."""
        for name in sorted(self._files()):
            yield from pq.ParquetFile(self.table / name).read(columns=list(columns)).to_pylist()

    def sequence_numbers(self) -> Counter[str]:
        """Count the rows by the sequence number that Kinesis gave them."""
        found: Counter[str] = Counter()
        for name in self._files():
            if name not in self._read:
                column = pq.ParquetFile(self.table / name).read(columns=["sequence_number"])
                self._read[name] = Counter(column["sequence_number"].to_pylist())
            found.update(self._read[name])
        return found

    def _files(self) -> set[str]:
        """Name the files that make up the newest version, by the table's log."""
        files: set[str] = set()
        for commit in sorted((self.table / "_delta_log").glob("*.json")):
            for line in commit.read_text(encoding="utf-8").splitlines():
                action = json.loads(line)
                if "add" in action:
                    files.add(unquote(action["add"]["path"]))
                elif "remove" in action:
                    files.discard(unquote(action["remove"]["path"]))
        return files
