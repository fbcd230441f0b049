"""What every command line of the project shares: logging, and errors of one line."""

import logging
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from pricestream.errors import PricestreamError

_SECRETS: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
#: AWS's own are longer. What is shorter is a stand-in's, and perhaps a word that is everywhere.
_SHORTEST_SECRET: Final = 16

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def harmless(text: str) -> str:
    """Make one line of a text from outside, in which nothing moves a cursor, changes a color or turns the writing.

    What AWS says of a signature that does not match repeats the session's token: a credential of the environment
    is masked, whatever says it.
    """
    for name in _SECRETS:
        secret = os.environ.get(name, "")
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def line_of(error: BaseException) -> str:
    """Say in one harmless line what an error says, however it is worded."""
    return harmless(" ".join(str(error).split()))


class LineFormatter(logging.Formatter):
    """Writes each event on one line, however it was worded; only a traceback has more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """See :meth:`logging.Formatter.formatMessage`."""
        return harmless(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name that logging calls
        """See :meth:`logging.Formatter.formatException`."""
        return "\n".join(harmless(line) for line in super().formatException(ei).splitlines())


def start_logging(*, verbose: bool = False) -> None:
    """Log to standard error, one line an event, times in UTC."""
    formatter = LineFormatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    for chatty in ("botocore", "boto3", "urllib3", "py4j", "s3transfer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Its warnings come with what a credential helper printed; that one failed is said by whoever needed it.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)


def exit_code_of(work: Callable[[], None]) -> int:
    """Do the work; where it fails for a reason that a person can put right, say so in one line.

    Returns:
        0, or the error's own exit code.
    """
    try:
        work()
    except PricestreamError as error:
        # This line is the interface.
        print(f"error: {line_of(error)}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0
