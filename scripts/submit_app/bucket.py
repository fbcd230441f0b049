"""Bucket: objects on S3 by their addresses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from jobs.storage import NOT_FOUND
from scripts.platform.errors import PlatformError, aws_errors, code_of

_DIGEST: Final = "sha256"


@dataclass(frozen=True)
class Found:
    """A small object, as it was when it was read."""

    content: bytes
    #: Another one after each writing of other content.
    version: str


class Bucket:
    """Reads and writes objects."""

    def __init__(self, session: boto3.Session, region: str) -> None:
        """Take the session's credentials."""
        with aws_errors("ask S3"):
            self._client: Any = session.client("s3", region_name=region)

    def read(self, address: str) -> Found | None:
        """Read an object whole; None where there is none.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(address)
        with aws_errors(f"read {address}"):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    return None
                raise
            return Found(answer["Body"].read(), answer["ETag"])

    def write(self, address: str, content: bytes) -> None:
        """Write an object whole.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(address)
        with aws_errors(f"write {address}"):
            self._client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, address: str) -> None:
        """Remove an object; where there is none, that is what was wanted.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(address)
        with aws_errors(f"remove {address}"):
            self._client.delete_object(Bucket=bucket, Key=key)

    def digest(self, address: str) -> str | None:
        """Give the SHA-256 that an object was uploaded with; empty where it has none, None where there is no object.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(address)
        with aws_errors(f"look at {address}"):
            try:
                head = self._client.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    return None
                raise
        return str(head["Metadata"].get(_DIGEST, ""))

    def upload(self, file: Path, address: str, digest: str, report: Callable[[int], None]) -> None:
        """Upload a file, with its SHA-256.

        Args:
            file: what.
            address: where to.
            digest: its SHA-256.
            report: is told of each further number of bytes, from other threads.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(address)
        with aws_errors(f"upload {file.name} to {address}"), file.open("rb") as content:
            extra = {"Metadata": {_DIGEST: digest}}
            self._client.upload_fileobj(content, bucket, key, ExtraArgs=extra, Callback=report)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within S3, with its SHA-256.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, key = _split(source)
        target_bucket, target_key = _split(target)
        with aws_errors(f"copy {source} to {target}"):
            self._client.copy({"Bucket": bucket, "Key": key}, target_bucket, target_key)

    def list(self, folder: str) -> Iterator[str]:
        """Give the addresses of all objects in a folder.

        Raises:
            PlatformError: AWS refuses.
        """
        bucket, prefix = _split(f"{folder.rstrip('/')}/")
        with aws_errors(f"list {folder}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from (f"s3://{bucket}/{each['Key']}" for each in page.get("Contents", ()))

    def check_owner(self, bucket: str, account: str) -> None:
        """Make sure that a bucket is there and an account's own.

        Raises:
            PlatformError: it is not.
        """
        with aws_errors(f"look at the bucket {bucket}"):
            try:
                self._client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    raise PlatformError(f"there is no bucket {bucket}") from None
                if code_of(error) in ("403", "AccessDenied"):
                    raise PlatformError(
                        f"the bucket {bucket} belongs to another account than {account}, or you may not look at it"
                    ) from None
                raise


def bucket_of(address: str) -> str:
    """Give the bucket of an address."""
    return _split(address)[0]


def _split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, address.partition(f"//{parts.netloc}/")[2]
