"""Tree: the published files and the status file, on a disk or on S3. Nothing here writes.

A listing is bounded: it asks for the folders of dates, and for the files from one date on. What vanishes between
listing and reading is not there, and no error.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.storage import S3_SCHEMES, error_code, local_path
from pricestream.aws_error import words_of
from pricestream.errors import StorageError
from pricestream.interval import interval_seconds
from pricestream.job_settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: What a folder's or a file's name looks like below the one above it. Other names are none of ours.
_INTERVAL: Final = re.compile(r"interval=([1-9][0-9]{0,5}[smhd])", re.ASCII)
_DATE: Final = re.compile(r"date=(\d{4}-\d{2}-\d{2})", re.ASCII)
_FILE: Final = re.compile(r"hour=([01]\d|2[0-3])/bars\.csv", re.ASCII)
_DAY_SECONDS: Final = 86_400
_GONE: Final = ("404", "NoSuchKey", "NotFound")


class FileMark(NamedTuple):
    """One file of the tree as a listing has it."""

    key: str
    #: Another one wherever the content is another one.
    version: str
    #: In bytes.
    size: int

    @property
    def date(self) -> str:
        """The date in its path, ISO."""
        return self.key.split("/")[1].removeprefix("date=")

    @property
    def hour(self) -> int:
        """The hour in its path."""
        return int(self.key.split("/")[2].removeprefix("hour="))


class Said(NamedTuple):
    """A small file as it was read."""

    data: bytes
    #: When it was last written, epoch ms.
    written_ms: int


class Tree(Protocol):
    """The files below one folder."""

    def intervals(self) -> list[str]:
        """Name the intervals that have a folder, in no order."""

    def dates(self, interval: str) -> list[str]:
        """Name the dates that an interval has a folder for, ISO, from the oldest on."""

    def files(self, interval: str, since: str) -> list[FileMark]:
        """List an interval's files from a date on, the oldest first."""

    def read(self, key: str) -> bytes | None:
        """Read a file of the tree; None where it is gone."""


class SmallFile(Protocol):
    """One file that is replaced whole, such as the status."""

    def read(self) -> Said | None:
        """Read it; None where there is none."""


def open_tree(root: str, s3: S3Settings, region: str) -> Tree:
    """Choose the tree for a folder: a path, ``file:``, ``s3://`` or ``s3a://``."""
    parts = urlsplit(root)
    if parts.scheme in S3_SCHEMES:
        return S3Tree(_client(s3, region), parts.netloc, parts.path.strip("/"))
    return DiskTree(local_path(root))


def open_small_file(path: str, s3: S3Settings, region: str) -> SmallFile:
    """Choose the reader for one file."""
    parts = urlsplit(path)
    if parts.scheme in S3_SCHEMES:
        return S3File(_client(s3, region), parts.netloc, parts.path.strip("/"))
    return DiskFile(local_path(path))


@dataclass(frozen=True)
class DiskTree:
    """The files below a folder of a disk. A version is a file's time, size and number: a replaced one has all new."""

    root: Path

    def intervals(self) -> list[str]:
        """See :class:`Tree`."""
        return _intervals(self._folders(self.root))

    def dates(self, interval: str) -> list[str]:
        """See :class:`Tree`."""
        return _dates(self._folders(self.root / f"interval={interval}"))

    def files(self, interval: str, since: str) -> list[FileMark]:
        """See :class:`Tree`."""
        marks = []
        for each in self.dates(interval):
            if each >= since:
                folder = f"interval={interval}/date={each}"
                names = (f"{hour}/bars.csv" for hour in self._folders(self.root / folder))
                keys = (f"{folder}/{name}" for name in names if _FILE.fullmatch(name))
                marks += [mark for key in keys if (mark := self._mark(key))]
        return sorted(marks)

    def read(self, key: str) -> bytes | None:
        """See :class:`Tree`."""
        with _said(self.root / key):
            return (self.root / key).read_bytes()
        return None

    def _mark(self, key: str) -> FileMark | None:
        with _said(self.root / key):
            at = (self.root / key).stat()
            return FileMark(key, f"{at.st_mtime_ns}-{at.st_ino}-{at.st_size}", at.st_size)
        return None

    def _folders(self, folder: Path) -> list[str]:
        with _said(folder), os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
        return []


@dataclass(frozen=True)
class DiskFile:
    """One file of a disk."""

    path: Path

    def read(self) -> Said | None:
        """See :class:`SmallFile`."""
        with _said(self.path), self.path.open("rb") as file:
            return Said(file.read(), os.fstat(file.fileno()).st_mtime_ns // 1_000_000)
        return None


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Let pass that there is nothing; say anything else in one line."""
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror or error}") from None


@dataclass(frozen=True)
class S3Tree:
    """The objects below a prefix of a bucket. A version is an ETag."""

    client: "S3Client"
    bucket: str
    prefix: str

    def intervals(self) -> list[str]:
        """See :class:`Tree`."""
        return _intervals(self._folders(""))

    def dates(self, interval: str) -> list[str]:
        """See :class:`Tree`."""
        return _dates(self._folders(f"interval={interval}/"))

    def files(self, interval: str, since: str) -> list[FileMark]:
        """See :class:`Tree`."""
        below = f"{self._root}interval={interval}/"
        # Keys come in their order, and a date's name is its order.
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=below, StartAfter=f"{below}date={since}"
        )
        marks = []
        with _readable(f"s3://{self.bucket}/{below}"):
            for page in pages:
                for each in page.get("Contents", []):
                    key = each["Key"].removeprefix(self._root)
                    if _is_ours(key):
                        marks.append(FileMark(key, each["ETag"], each["Size"]))
        return marks

    def read(self, key: str) -> bytes | None:
        """See :class:`Tree`."""
        said = S3File(self.client, self.bucket, f"{self._root}{key}").read()
        return said.data if said else None

    def _folders(self, below: str) -> list[str]:
        prefix = f"{self._root}{below}"
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        with _readable(f"s3://{self.bucket}/{prefix}"):
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        return [name.removeprefix(prefix).rstrip("/") for name in found]

    @property
    def _root(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""


@dataclass(frozen=True)
class S3File:
    """One object of a bucket."""

    client: "S3Client"
    bucket: str
    key: str

    def read(self) -> Said | None:
        """See :class:`SmallFile`."""
        with _readable(f"s3://{self.bucket}/{self.key}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key)
                return Said(answer["Body"].read(), int(answer["LastModified"].timestamp() * 1000))
            except ClientError as error:
                if error_code(error) in _GONE:
                    return None
                raise


def _intervals(names: Iterable[str]) -> list[str]:
    # As the settings have them: an interval divides a day.
    found = [match[1] for name in names if (match := _INTERVAL.fullmatch(name))]
    return [name for name in found if _DAY_SECONDS % interval_seconds(name) == 0]


def _dates(names: Iterable[str]) -> list[str]:
    return sorted(match[1] for name in names if (match := _DATE.fullmatch(name)) and _is_date(match[1]))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_ours(key: str) -> bool:
    """Tell whether a key below an interval's folder is that of a file of bars."""
    _, _, below = key.partition("/")
    folder, _, name = below.partition("/")
    return bool(_dates([folder])) and _FILE.fullmatch(name) is not None


def _client(s3: S3Settings, region: str) -> "S3Client":
    # A person waits for the page: less patience than a job has.
    config = Config(
        s3={"addressing_style": "path" if s3.path_style else "auto"},
        retries={"mode": "standard", "max_attempts": 3},
        connect_timeout=5,
        read_timeout=15,
    )
    with _readable("s3://"):
        return boto3.client("s3", region_name=region, endpoint_url=s3.endpoint_url, config=config)


@contextmanager
def _readable(uri: str) -> Iterator[None]:
    """Turn what boto3 raises into one line that names the place."""
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        raise StorageError(f"{uri}: {words_of(error)}") from None
