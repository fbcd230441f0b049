"""Session: how AWS is asked, with the credentials of whoever asks."""

from typing import Final

import boto3
import botocore.session
from botocore.config import Config

from scripts.platform.errors import aws_errors

#: How often a call is tried in all; AWS turns calls away that come too fast.
_ATTEMPTS: Final = 8


def open_session(region: str | None = None, *, attempts: int = _ATTEMPTS) -> boto3.Session:
    """Make a session whose clients are patient with a service that is busy.

    Args:
        region: where; None leaves it to the environment and the profile.
        attempts: how often each call is tried in all.

    Raises:
        PlatformError: the profile does not exist.
    """
    with aws_errors("ask AWS"):
        core = botocore.session.get_session()
        core.set_default_client_config(
            Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": attempts})
        )
        return boto3.Session(botocore_session=core, region_name=region)
