"""Settings file: where the settings of a job come from, a disk or S3; what is in them is checked the same."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from jobs.storage import S3_SCHEMES, error_code
from pricestream.aws_error import words_of
from pricestream.config import load_settings
from pricestream.errors import SettingsError
from pricestream.settings import Settings

_MISSING: Final = {"NoSuchKey": "there is no such object", "NoSuchBucket": "there is no such bucket"}
_DENIED: Final = ("AccessDenied", "AllAccessDisabled", "403")


def read_settings(config: str, overrides: Iterable[str] = ()) -> Settings:
    """Read the settings of a job, and lay ``key.path=value`` overrides over them.

    Args:
        config: the YAML file: a path, or ``s3://bucket/key`` (``s3a://``), which is read with boto3's usual
            credentials; ``AWS_ENDPOINT_URL`` leads to a stand-in.
        overrides: as :func:`pricestream.config.load_settings` takes them.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; the message names it as ``config`` does.
    """
    scheme, has_scheme, place = config.partition("://")
    if not has_scheme or scheme not in S3_SCHEMES:
        return load_settings(config, overrides)
    bucket, _, key = place.partition("/")
    if not bucket or not key:
        raise SettingsError(f"{config}: names no object; write it as {scheme}://bucket/key")
    with TemporaryDirectory(prefix="pricestream-") as folder:
        copy = Path(folder) / "settings.yaml"
        copy.write_bytes(_download(config, bucket, key))
        try:
            return load_settings(copy, overrides)
        except SettingsError as error:
            raise SettingsError(str(error).replace(str(copy), config)) from None


def _download(config: str, bucket: str, key: str) -> bytes:
    try:
        # Before the settings are known there is no region to ask in: S3 itself says where a bucket is.
        return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise SettingsError(f"{config}: {_refusal(error)}") from None
    except (BotoCoreError, ValueError) as error:
        # A ValueError is an AWS_ENDPOINT_URL that is no address.
        raise SettingsError(f"{config}: cannot be read: {words_of(error)}") from None


def _refusal(error: ClientError) -> str:
    code = error_code(error)
    if code in _MISSING:
        return f"{_MISSING[code]}; give the settings file with --config"
    if code in _DENIED:
        # S3 says the same of an object that is not there to whoever may not list the bucket.
        return f"AWS denies it ({code}): allow s3:GetObject on it, and look whether it is there"
    return f"cannot be read: {words_of(error)}"
