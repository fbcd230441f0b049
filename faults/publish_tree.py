"""Publish tree: a tree of CSV files on a disk or on S3, how readers see it, and what it must hold."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

import duckdb

from faults.asked_io import Ask, asked_disk, asked_s3
from faults.publisher import Lines
from jobs.publish import CSV_COLUMNS, Partition
from jobs.storage import DiskStore, S3Store, Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Names that begin so are passed over by Athena and by Spark.
_HIDDEN: Final = (".", "_")


class Tree(Protocol):
    """Where files are published to."""

    name: str

    @property
    def store(self) -> Store:
        """Where the files are, for a publisher."""

    def asked(self) -> Callable[[Ask], AbstractContextManager[None]]:
        """Give what makes a publisher's calls ask first."""

    def is_locked(self) -> bool:
        """Tell whether a publisher keeps others out."""

    def begin(self, files: Mapping[str, bytes]) -> None:
        """Start afresh, with these files."""

    def seen(self) -> dict[str, bytes]:
        """Read every file that some reader takes for data."""

    def everything(self) -> dict[str, bytes]:
        """Read every file, hidden ones as well."""


@dataclass
class DiskTree:
    """Files on a disk."""

    place: Path
    name: str = "disk"

    def __post_init__(self) -> None:
        """Name the tree in its place, beside which the lock's file is."""
        self.root = self.place / "csv"
        self.store: Store = DiskStore(self.root)
        self._duckdb = duckdb.connect()

    def asked(self) -> Callable[[Ask], AbstractContextManager[None]]:
        """See :class:`Tree`."""
        return partial(_asked_disk, self.place)

    def is_locked(self) -> bool:
        """See :class:`Tree`."""
        for path in self.place.glob(".*.lock"):
            with path.open("w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
        return False

    def begin(self, files: Mapping[str, bytes]) -> None:
        """See :class:`Tree`."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.root.mkdir(parents=True)
        for key, data in files.items():
            (self.root / key).parent.mkdir(parents=True)
            (self.root / key).write_bytes(data)

    def seen(self) -> dict[str, bytes]:
        """See :class:`Tree`. DuckDB and pandas take ``*.csv``; Athena all that is not hidden."""
        found = self._duckdb.execute("SELECT file FROM glob(?)", [f"{self.root}/**/*.csv"]).fetchall()
        plain = (path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith(_HIDDEN))
        return self._read({*plain, *(Path(each[0]) for each in found)})

    def everything(self) -> dict[str, bytes]:
        """See :class:`Tree`."""
        return self._read(path for path in self.root.rglob("*") if path.is_file())

    def _read(self, paths: "set[Path] | Iterator[Path]") -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}


def _asked_disk(place: Path, ask: Ask) -> AbstractContextManager[None]:
    return asked_disk(ask, place)


@dataclass
class S3Tree:
    """Objects in a bucket, each beginning under a prefix of its own."""

    client: "S3Client"
    bucket: str
    store: S3Store
    name: str = "s3"
    _number: int = 0
    _bodies: dict[str, bytes] = field(default_factory=dict)

    def asked(self) -> Callable[[Ask], AbstractContextManager[None]]:
        """See :class:`Tree`."""
        return asked_s3

    def is_locked(self) -> bool:
        """See :class:`Tree`."""
        return False

    def begin(self, files: Mapping[str, bytes]) -> None:
        """See :class:`Tree`."""
        self._number += 1
        self.store = S3Store(
            self.bucket, f"run-{self._number}/csv", self.store.endpoint_url, self.store.path_style, self.store.region
        )
        for key, data in files.items():
            self.client.put_object(Bucket=self.bucket, Key=f"{self.store.prefix}/{key}", Body=data)

    def seen(self) -> dict[str, bytes]:
        """See :class:`Tree`."""
        return self.everything()

    def everything(self) -> dict[str, bytes]:
        """See :class:`Tree`."""
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.store.prefix}/").get("Contents", [])
        return {
            each["Key"].removeprefix(f"{self.store.prefix}/"): self._body(each["Key"], each["ETag"]) for each in listed
        }

    def _body(self, key: str, tag: str) -> bytes:
        # A tag is a digest of the bytes, so those of one that is known need no second call.
        if tag not in self._bodies:
            self._bodies[tag] = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return self._bodies[tag]


@dataclass(frozen=True)
class World:
    """What ``bars`` says, revision after revision. Only a file that is there at first ever loses its rows."""

    partitions: Sequence[Partition]
    revisions: Sequence[Lines]

    def data(self, key: str, revision: int) -> bytes | None:
        """What a file must hold at a revision; None where it must not be there."""
        lines = self.revisions[revision].get(key)
        if lines is None and key not in self.revisions[0]:
            return None
        return "".join(f"{line}\n" for line in (",".join(CSV_COLUMNS), *(lines or ()))).encode()

    def files(self, revision: int) -> dict[str, bytes]:
        """The whole tree at a revision."""
        found = {each.key: self.data(each.key, revision) for each in self.partitions}
        return {key: data for key, data in found.items() if data is not None}


def small_world() -> World:
    """A file that changes, a new one in new folders, one that stays as it is, and one that loses its rows."""
    changes, new, stays, loses = (Partition("1m", "2026-01-05", hour) for hour in range(9, 13))
    first = {changes.key: ["a,1", "a,2", "a,3"], stays.key: ["s,1"], loses.key: ["l,1", "l,2"]}
    second = {changes.key: ["a,1", "a,20", "a,3", "a,4"], new.key: ["n,1", "n,2", "n,3"], stays.key: ["s,1"]}
    third = {**second, changes.key: ["a,300"], new.key: ["n,1", "n,2", "n,30", "n,4"]}
    return World((changes, new, stays, loses), (first, second, third))


def random_world(rng: Random, *, revisions: int) -> World:
    """Up to five files that come, change, stay and lose their rows as chance has it."""
    hours = rng.sample(range(24), rng.randint(1, 5))
    partitions = [Partition(rng.choice(("1m", "5m")), "2026-01-05", hour) for hour in sorted(hours)]
    rows: dict[str, list[str]] = {}
    history: list[Lines] = []
    first = {each.key for each in partitions if rng.random() < 0.6}
    for revision in range(revisions):
        for each in partitions:
            is_due = each.key in first if not revision else rng.random() < 0.6
            if is_due:
                # A number of its own in each: no file ever looks as it did before.
                rows[each.key] = [f"{revision},{rng.random()}" for _ in range(rng.randint(1, 400))]
            elif revision and each.key in first and rng.random() < 0.1:
                first.discard(each.key)
                rows.pop(each.key, None)
        history.append(dict(rows))
    return World(partitions, history)


@dataclass
class Reader:
    """Looks at the tree again and again, and never may see less than before."""

    tree: Tree
    world: World
    broken: list[str] = field(default_factory=list)
    looks: int = 0

    def begin(self) -> None:
        """Forget what was seen of another tree, or before a power cut."""
        self._oldest: dict[str, int] = {}

    def look(self, when: str, *, newest: int) -> None:
        """Look at every file: it must be one of those up to the ``newest`` revision, and no older than the last."""
        self.looks += 1
        seen = self.tree.seen()
        keys = {each.key for each in self.world.partitions}
        self.broken += [f"{when}: a reader takes {key} for data" for key in seen.keys() - keys]
        for key in keys:
            same = [at for at in range(newest + 1) if self.world.data(key, at) == seen.get(key)]
            if not same:
                self.broken.append(f"{when}: {key} is neither old nor new: {seen.get(key, b'gone')[-40:]!r}")
            elif same[-1] < self._oldest.get(key, 0):
                self.broken.append(f"{when}: {key} went back from {self._oldest[key]} to {same[-1]}")
            else:
                self._oldest[key] = max(self._oldest.get(key, 0), same[0])

    def check_end(self, when: str, *, newest: int) -> None:
        """Hold the whole tree, hidden files as well, against what it must be."""
        found, wanted = self.tree.everything(), self.world.files(newest)
        wrong = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
        self.broken += [f"{when}: {key} is not what an undisturbed run writes" for key in wrong]
