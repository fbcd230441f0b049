"""Platform: on EMR, the settings with which the platform's job was last submitted. Not tried on AWS."""

import os
import tempfile
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from pricestream.aws_error import words_of
from pricestream.errors import SettingsError

#: The stack's name where nothing else is said; as ``./scripts/deploy`` has it.
_STACK: Final = "pricestream"
_OTHERWISE: Final = "or name the settings in PRICESTREAM_CONFIG, such as s3://bucket/settings.yaml"


def newest_settings(stack: str | None = None, session: boto3.Session | None = None) -> str:
    """Find the settings file that was last submitted to a platform.

    Args:
        stack: its name; None is ``pricestream``.
        session: None takes boto3's usual credentials and region.

    Returns:
        ``s3://bucket/settings/….yaml``.

    Raises:
        SettingsError: there is no such platform, nothing was submitted to it, or AWS refuses.
    """
    stack, session = stack or _STACK, session or boto3.Session()
    try:
        bucket = _bucket(session, stack)
        pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="settings/")
        found: list[Any] = [each for page in pages for each in page.get("Contents", ())]
    except (ClientError, BotoCoreError) as error:
        raise SettingsError(
            f"the stack {stack} cannot be looked up: {words_of(error)}; allow it, {_OTHERWISE}"
        ) from None
    if not found:
        raise SettingsError(f"s3://{bucket}/settings is empty; submit a job with ./scripts/submit, {_OTHERWISE}")
    newest = max(found, key=lambda each: (each["LastModified"], each["Key"]))
    return f"s3://{bucket}/{newest['Key']}"


def notebook_producer() -> tuple[str, ...]:
    """Make a producer of a notebook another one than the platform's: it counts its own records in its own folder."""
    user = os.getuid()
    folder = f"{tempfile.gettempdir()}/pricestream-notebook-{user}"
    return f"producer.id=notebook-{user}", f"producer.state_dir={folder}"


def _bucket(session: boto3.Session, stack: str) -> str:
    [description] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in description.get("Outputs", ())}
    if "Bucket" not in outputs:
        raise SettingsError(f"the stack {stack} does not say its Bucket; finish it with ./scripts/deploy, {_OTHERWISE}")
    return str(outputs["Bucket"])
