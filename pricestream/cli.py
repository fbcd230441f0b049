"""What every command line of the project shares: logging, and errors of one line."""

import logging
import sys
import time
from collections.abc import Callable

from pricestream.errors import PricestreamError


def start_logging(*, verbose: bool = False) -> None:
    """Log to standard error, one line an event, times in UTC."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        stream=sys.stderr,
    )
    for chatty in ("botocore", "boto3", "urllib3", "py4j", "s3transfer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def exit_code_of(work: Callable[[], None]) -> int:
    """Do the work; where it fails for a reason that a person can put right, say so in one line.

    Returns:
        0, or the error's own exit code.
    """
    try:
        work()
    except PricestreamError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201 - this line is the interface
        return error.exit_code
    return 0
