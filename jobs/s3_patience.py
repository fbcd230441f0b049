"""Patience with S3, which turns calls away while it is overloaded, and breaks connections off."""

from collections.abc import Callable
from typing import Final, TypeVar

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

T = TypeVar("T")

#: How often a call is tried, each time as often as boto3 tries it.
_ATTEMPTS: Final = 10
_TOO_MANY: Final = 429
#: From here on an error is the service's own.
_SERVICE_ERROR: Final = 500
_BROKEN_OFF: Final = (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


def _is_passing(error: BaseException) -> bool:
    """Tell whether another try may do better."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status == _TOO_MANY or status >= _SERVICE_ERROR
    return isinstance(error, _BROKEN_OFF)


@retry(
    retry=retry_if_exception(_is_passing),
    stop=stop_after_attempt(_ATTEMPTS),
    wait=wait_random_exponential(multiplier=0.2, max=10),
    reraise=True,
)
def patiently(call: Callable[[], T]) -> T:
    """Make a call, and again where S3 is overloaded or breaks it off, for about half a minute.

    boto3's own 3 tries are not enough: while S3 turns away one call in five, one in 125 would end a job, and soon more,
    because boto3 also bounds its tries over all calls. Nor does it try again to read the body of an answer.

    Raises:
        ClientError: S3 refuses the call, or is overloaded for longer.
        BotoCoreError: S3 can not be reached.
    """
    return call()
