"""Files outside Spark's own reach: small ones that are replaced whole, on a disk or on S3.

A path is a plain one, ``file:``, ``s3://`` or ``s3a://``. A store is picklable, so that executors
can use it.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.s3_patience import patiently
from pricestream.atomic import make_folder, replace_file
from pricestream.aws_error import words_of
from pricestream.errors import StorageError
from pricestream.job_settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

S3_SCHEMES = ("s3", "s3a", "s3n")
NOT_FOUND = ("404", "NoSuchKey", "NotFound")
_CONFLICT = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")


class ConflictError(Exception):
    """Somebody else replaced the file since its version was read: read again and start over."""


class Store(Protocol):
    """Files below one root, named by their path relative to it."""

    def version(self, key: str) -> str | None:
        """Tell which version of a file is there; None where there is none."""

    def exists(self, key: str) -> bool:
        """Tell whether a file is there."""

    def read(self, key: str) -> bytes | None:
        """Read a file whole; None where there is none."""

    def replace(self, key: str, data: bytes, *, version: str | None) -> None:
        """Put a file in place, whole, if ``version`` is still what is there.

        Raises:
            ConflictError: another version is there by now.
        """

    def write(self, key: str, data: bytes) -> None:
        """Put a file in place, whole, whatever is there."""

    def remove(self, key: str) -> None:
        """Take a file away; where there is none, that is what was wanted."""

    def list_keys(self, below: str = "") -> Iterator[str]:
        """Give every file, or those below one folder, in no order, by their keys.

        Hidden ones, as a crash may leave them, are left out.
        """

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other writers out where the storage itself can not refuse an outdated one."""


def open_store(root: str, s3: S3Settings, region: str) -> Store:
    """Choose the store for a root folder."""
    parts = urlsplit(root)
    if parts.scheme in S3_SCHEMES:
        return S3Store(parts.netloc, parts.path.strip("/"), s3.endpoint_url, s3.path_style, region)
    return DiskStore(local_path(root))


def open_file(path: str, s3: S3Settings, region: str) -> tuple[Store, str]:
    """Choose the store of a file's folder, and give the file's name in it."""
    folder, _, name = path.rpartition("/")
    return open_store(folder or ".", s3, region), name


def spark_path(path: str) -> str:
    """Make a path mean the same to Spark as to us, also where its default file system is not the disk."""
    return path if urlsplit(path).scheme else f"file:{Path(path).absolute()}"


def is_on_disk(path: str) -> bool:
    """Tell whether a path is one of this machine's."""
    return urlsplit(path).scheme in ("", "file")


def local_path(path: str) -> Path:
    """Make a plain or ``file:`` path absolute."""
    parts = urlsplit(path)
    if not is_on_disk(path):
        raise StorageError(f"{path}: is neither a path, file:, s3:// nor s3a://")
    return Path(parts.path if parts.scheme else path).absolute()


@dataclass(frozen=True)
class DiskStore:
    """Files on a disk. A version is a digest of the content; the lock is what makes it binding."""

    root: Path

    def version(self, key: str) -> str | None:
        """See :class:`Store`."""
        data = self.read(key)
        return None if data is None else hashlib.sha256(data).hexdigest()

    def exists(self, key: str) -> bool:
        """See :class:`Store`."""
        return (self.root / key).exists()

    def read(self, key: str) -> bytes | None:
        """See :class:`Store`."""
        with _explained(self.root / key):
            try:
                return (self.root / key).read_bytes()
            except FileNotFoundError:
                return None

    def replace(self, key: str, data: bytes, *, version: str | None) -> None:
        """See :class:`Store`."""
        if self.version(key) != version:
            raise ConflictError(key)
        self.write(key, data)

    def write(self, key: str, data: bytes) -> None:
        """See :class:`Store`."""
        target = self.root / key
        with _explained(target):
            make_folder(target.parent)
            replace_file(target, data)

    def remove(self, key: str) -> None:
        """See :class:`Store`."""
        with _explained(self.root / key):
            (self.root / key).unlink(missing_ok=True)

    def list_keys(self, below: str = "") -> Iterator[str]:
        """See :class:`Store`."""
        with _explained(self.root):
            for folder, _, names in os.walk(self.root / below, onerror=_raise_but_where_there_is_none):
                yield from (str((Path(folder) / name).relative_to(self.root)) for name in names if name[0] != ".")

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock file beside the root; the system lets go of it when the process dies."""
        path = self.root.parent / f".{self.root.name}.{name}.lock"
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _raise_but_where_there_is_none(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says into one line that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from None


@dataclass(frozen=True)
class S3Store:
    """Objects below a prefix of a bucket. A version is an ETag, and S3 itself refuses an outdated one."""

    bucket: str
    prefix: str
    endpoint_url: str | None
    path_style: bool
    region: str

    def exists(self, key: str) -> bool:
        """See :class:`Store`."""
        return self.version(key) is not None

    def version(self, key: str) -> str | None:
        """See :class:`Store`."""
        with readable(self._uri(key)):
            try:
                head = patiently(lambda: self._client().head_object(Bucket=self.bucket, Key=self._key(key)))
            except ClientError as error:
                if error_code(error) in NOT_FOUND:
                    return None
                raise
            return head["ETag"]

    def read(self, key: str) -> bytes | None:
        """See :class:`Store`."""
        with readable(self._uri(key)):
            try:
                return patiently(
                    lambda: self._client().get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()
                )
            except ClientError as error:
                if error_code(error) in NOT_FOUND:
                    return None
                raise

    def replace(self, key: str, data: bytes, *, version: str | None) -> None:
        """See :class:`Store`."""
        with readable(self._uri(key)):
            try:
                patiently(lambda: self._put_if(key, data, version))
            except ClientError as error:
                # 404 on a put with If-Match: the object was deleted in between.
                if error_code(error) not in (*_CONFLICT, *NOT_FOUND):
                    raise
                # Where the answer to a try was lost, the next one finds what that one has written.
                if self.read(key) != data:
                    raise ConflictError(key) from None

    def write(self, key: str, data: bytes) -> None:
        """See :class:`Store`."""
        with readable(self._uri(key)):
            patiently(lambda: self._client().put_object(Bucket=self.bucket, Key=self._key(key), Body=data))

    def remove(self, key: str) -> None:
        """See :class:`Store`."""
        with readable(self._uri(key)):
            patiently(lambda: self._client().delete_object(Bucket=self.bucket, Key=self._key(key)))

    def list_keys(self, below: str = "") -> Iterator[str]:
        """See :class:`Store`."""
        root = f"{self.prefix}/" if self.prefix else ""
        prefix = f"{root}{below}/" if below else root
        token: str | None = ""
        while token is not None:
            with readable(self._uri("")):
                page = patiently(partial(self._page, prefix, token))
            yield from (each["Key"].removeprefix(root) for each in page.get("Contents", []))
            token = page.get("NextContinuationToken")

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:  # noqa: ARG002
        """Nothing to hold: the conditional PUT of :meth:`replace` is the guard."""
        yield

    def _put_if(self, key: str, data: bytes, version: str | None) -> None:
        """Put an object where ``version`` is still what is there."""
        if version is None:
            self._client().put_object(Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*")
        else:
            self._client().put_object(Bucket=self.bucket, Key=self._key(key), Body=data, IfMatch=version)

    def _page(self, prefix: str, token: str) -> "ListObjectsV2OutputTypeDef":
        """List a page of objects: the one that a token stands for, or else the first."""
        if token:
            return self._client().list_objects_v2(Bucket=self.bucket, Prefix=prefix, ContinuationToken=token)
        return self._client().list_objects_v2(Bucket=self.bucket, Prefix=prefix)

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._key(key)}"

    def _client(self) -> "S3Client":
        return _s3_client(self.endpoint_url, self.path_style, self.region)


@cache
def _s3_client(endpoint_url: str | None, path_style: bool, region: str) -> "S3Client":
    # One a process: a client is made in milliseconds, but its connections are worth keeping.
    config = Config(s3={"addressing_style": "path" if path_style else "auto"})
    return boto3.client("s3", region_name=region, endpoint_url=endpoint_url, config=config)


def error_code(error: ClientError) -> str:
    """Read the code that AWS gave an error; empty where it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def readable(uri: str) -> Iterator[None]:
    """Turn what boto3 raises into one line that names the object."""
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        # A ValueError is an endpoint_url that is no URL.
        raise StorageError(f"{uri}: {words_of(error)}") from None
