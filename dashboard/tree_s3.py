"""The tree on S3."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from dashboard.tree import FileMark, Said, is_ours, read_dates, read_intervals
from jobs.storage import NOT_FOUND, error_code, readable
from pricestream.job_settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Tree:
    """The objects below a prefix of a bucket. A version is an ETag."""

    client: "S3Client"
    bucket: str
    prefix: str

    def intervals(self) -> list[str]:
        """See :class:`Tree`."""
        return read_intervals(self._folders(""))

    def dates(self, interval: str) -> list[str]:
        """See :class:`Tree`."""
        return read_dates(self._folders(f"interval={interval}/"))

    def files(self, interval: str, since: str) -> list[FileMark]:
        """See :class:`Tree`."""
        below = f"{self._root}interval={interval}/"
        # Keys come in their order, and a date's name is its order.
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=below, StartAfter=f"{below}date={since}"
        )
        marks = []
        with readable(f"s3://{self.bucket}/{below}"):
            for page in pages:
                for each in page.get("Contents", []):
                    key = each["Key"].removeprefix(self._root)
                    if is_ours(key):
                        marks.append(FileMark(key, each["ETag"], each["Size"]))
        return marks

    def read(self, key: str) -> bytes | None:
        """See :class:`Tree`."""
        said = S3File(self.client, self.bucket, f"{self._root}{key}").read()
        return said.data if said else None

    def _folders(self, below: str) -> list[str]:
        prefix = f"{self._root}{below}"
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        with readable(f"s3://{self.bucket}/{prefix}"):
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
        with readable(f"s3://{self.bucket}/{self.key}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key)
                return Said(answer["Body"].read(), int(answer["LastModified"].timestamp() * 1000))
            except ClientError as error:
                if error_code(error) in NOT_FOUND:
                    return None
                raise


def make_client(s3: S3Settings, region: str) -> "S3Client":
    """Make a client with less patience than a job has: a person waits for the page."""
    config = Config(
        s3={"addressing_style": "path" if s3.path_style else "auto"},
        retries={"mode": "standard", "max_attempts": 3},
        connect_timeout=5,
        read_timeout=15,
    )
    with readable("s3://"):
        return boto3.client("s3", region_name=region, endpoint_url=s3.endpoint_url, config=config)
