"""Settings: what the stack says, below what the file says, checked for the place where it will be read."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from pricestream.config import check_tree, read_tree
from pricestream.errors import SettingsError
from pricestream.settings import Settings
from scripts.platform.stack import Platform
from scripts.submit_app.bucket import Bucket, bucket_of

_S3: Final = ("s3", "s3a")
#: Settings that are paths of the job; all of them must outlive the machine that it runs on.
_PATHS: Final = ("ticks", "bars", "csv", "checkpoint", "stop_file", "status_file", "report")


@dataclass(frozen=True)
class Checked:
    """Settings that are checked, as they are uploaded."""

    settings: Settings
    text: bytes

    @property
    def digest(self) -> str:
        """What they are called in the bucket."""
        return hashlib.sha256(self.text).hexdigest()[:16]


def job_settings(platform: Platform, config: Path, overrides: Iterable[str] = ()) -> Checked:
    """Read the settings of the jobs.

    Raises:
        SettingsError: the file cannot be read, a value is wrong, or cannot work on this platform.
    """
    # On EMR nobody reads what a driver writes to its output but people.
    metrics = {"emf": "logs", "log_group": platform.metrics_log_group}
    return _read(platform, config, overrides, _of_stack(platform) | {"metrics": metrics})


def producer_settings(platform: Platform, config: Path, overrides: Iterable[str] = ()) -> Checked:
    """Read the settings of the producer.

    Raises:
        SettingsError: the file cannot be read, a value is wrong, or cannot work on this platform.
    """
    # The log driver of its task takes them up.
    return _read(platform, config, overrides, _of_stack(platform) | {"metrics": {"emf": "stdout"}})


def check_buckets(checked: Checked, platform: Platform, bucket: Bucket) -> None:
    """Make sure that every bucket of the settings is the account's own.

    Raises:
        PlatformError: one is not there, or another's.
    """
    account = platform.job_role.split(":")[4]
    for name in sorted({platform.bucket, *(bucket_of(path) for path in _paths(checked.settings).values())}):
        bucket.check_owner(name, account)


def parse_checked(text: bytes, address: str) -> Checked:
    """Read settings that were uploaded.

    Raises:
        SettingsError: they are not what this version takes.
    """
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError):
        tree = None
    if not isinstance(tree, dict):
        raise SettingsError(f"{address}: is no settings file; remove it, and submit anew")
    return Checked(check_tree(tree, address), text)


def _read(platform: Platform, config: Path, overrides: Iterable[str], below: Mapping[str, Any]) -> Checked:
    tree = _over(below, read_tree(config, overrides))
    settings = check_tree(tree, config)
    _refuse(settings, platform, config)
    return Checked(settings, yaml.safe_dump(tree, allow_unicode=True).encode())


def _of_stack(platform: Platform) -> dict[str, Any]:
    lake = platform.lake
    return {
        "stream": {"name": platform.stream, "region": platform.region},
        "job": {
            "kinesis": {"connector": "awslabs"},
            "s3": {"commit_table": platform.commit_table},
            "ticks": f"{lake}/ticks",
            "bars": f"{lake}/bars",
            "csv": f"{lake}/csv",
            "checkpoint": f"{lake}/checkpoint",
            "report": f"{lake}/report.html",
            "stop_file": f"{lake}/STOP",
            "status_file": f"{lake}/status.json",
            "backfill": {"history": f"{lake}/history"},
        },
    }


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree over another; a value that is null in the upper one is null."""
    tree = dict(below)
    for key, value in above.items():
        lower = tree.get(key)
        is_section = isinstance(lower, Mapping) and (value is None or isinstance(value, Mapping))
        tree[key] = _over(lower, value or {}) if is_section and isinstance(lower, Mapping) else value
    return tree


def _refuse(settings: Settings, platform: Platform, config: Path) -> None:
    """Refuse what is right in itself and cannot work there."""
    job, stream = settings.job, settings.stream
    if job.kinesis.connector != "awslabs":
        raise SettingsError(
            f"{config}: job.kinesis.connector: EMR has no {job.kinesis.connector}; leave it out, or say awslabs"
        )
    if job.spark.master is not None:
        raise SettingsError(f"{config}: job.spark.master: EMR says where Spark runs; leave it out")
    for key, value in (("stream.endpoint_url", stream.endpoint_url), ("job.s3.endpoint_url", job.s3.endpoint_url)):
        if value is not None:
            raise SettingsError(f"{config}: {key} is for a stand-in; leave it out on AWS")
    if stream.region != platform.region:
        raise SettingsError(
            f"{config}: stream.region is {stream.region}, and the stack {platform.stack} is in {platform.region}; "
            "leave it out, or give --region"
        )
    for key, path in _paths(settings).items():
        if urlsplit(path).scheme not in _S3 or not urlsplit(path).netloc:
            raise SettingsError(
                f"{config}: job.{key} is {path}, which goes with the machine; leave it out, or say s3://…"
            )


def _paths(settings: Settings) -> dict[str, str]:
    named = {key: getattr(settings.job, key) for key in _PATHS}
    return {key: path for key, path in named.items() if path} | {"backfill.history": settings.job.backfill.history}
