"""Query error: that Spark failed, and why, in one line."""

import re
from typing import Final

from pricestream.errors import PricestreamError

#: Spark's own errors begin with their class in brackets; that a stream failed says nothing of why.
_ERROR_CLASS: Final = re.compile(r"\[(?!STREAM_FAILED)[A-Z][A-Z_.]+\] .+")

_JAVA_FAILED: Final = "py4j.protocol.Py4J"
_IO_FAILED: Final = "java.io.IOException: "


class QueryError(PricestreamError):
    """A query failed."""


def reason_of(error: Exception | str) -> str:
    """Find the line that says what went wrong: in our own code, else in Spark's words, else the root cause."""
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    ours = _end_of_traceback(lines)
    # Where Java failed under a call of ours, the end of the traceback says no more than that.
    if ours and not ours.startswith(_JAVA_FAILED):
        return ours
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    named = [match[0] for line in lines if (match := _ERROR_CLASS.search(line))]
    if not named:
        return causes[-1] if causes else (lines[0] if lines else "no reason given")
    # Spark says what it was doing, the disk or the network what came in between.
    is_io = bool(causes) and causes[-1].startswith(_IO_FAILED)
    return f"{named[0]} {causes[-1]}" if is_io else named[0]


def _end_of_traceback(lines: list[str]) -> str | None:
    """Find what a Python traceback says at its end, inside the text of a Java exception."""
    starts = [number for number, line in enumerate(lines) if line.endswith("Traceback (most recent call last):")]
    if not starts:
        return None
    # Frames are indented; the first line that is not is the exception.
    return next((line for line in lines[starts[-1] + 1 :] if not line[0].isspace()), None)
