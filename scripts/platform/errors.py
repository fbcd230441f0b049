"""What can go wrong with the platform, and what AWS says of it in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)

from pricestream.aws_error import words_of
from pricestream.errors import PricestreamError

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
_BUSY: Final = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)


class PlatformError(PricestreamError):
    """AWS refuses, or what should be there is not; the text says what and what to do."""

    exit_code = 7


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Say in one line what failed, and why, where AWS or its library raises.

    Args:
        what: what was tried, such as ``add the step to cluster j-1``.

    Raises:
        PlatformError: a call failed.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise PlatformError(f"cannot {what}: {reason_of(error)}") from None


def code_of(error: Exception) -> str:
    """Give AWS's own name of an error; empty where it is none of AWS's."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def reason_of(error: ClientError | BotoCoreError) -> str:
    """Say why a call failed, and what to do where that is clear."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "no AWS credentials found; log in, or set AWS_PROFILE"
    if isinstance(error, NoRegionError):
        return "no AWS region is set; give --region, or set AWS_DEFAULT_REGION"
    if isinstance(error, ProfileNotFound):
        return str(error)
    if isinstance(error, UnauthorizedSSOTokenError | SSOTokenLoadError):
        return "the AWS session has expired; log in again"
    code = code_of(error)
    if code in _EXPIRED:
        return f"the AWS session has expired ({code}); log in again"
    if code in _UNKNOWN_KEY:
        return f"AWS does not know the access key ({code}); log in, or set AWS_PROFILE"
    if code in _BUSY:
        return f"AWS turns calls away for now ({code}); try again in a minute"
    if code in _DENIED and isinstance(error, ClientError):
        return f"AWS denies {error.operation_name}: {_said(error)}"
    return _said(error)


def _said(error: ClientError | BotoCoreError) -> str:
    """Give AWS's own message and name, without the words around them; all of it where that is replaced."""
    words = words_of(error)
    message = error.response.get("Error", {}).get("Message") if isinstance(error, ClientError) else None
    return f"{message.rstrip('.')} ({code_of(error)})" if message and words == str(error) else words
