"""Conflict: two writers of one Delta table were in the same files, and the one that commits second tries again."""

from typing import Final

from py4j.protocol import Py4JJavaError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

_JAVA: Final = "io.delta.exceptions."
_PYTHON: Final = "delta.exceptions."

#: What Delta raises where another writer got in between. In Python these are siblings: the last is the base of
#: the others in Java alone.
_CONFLICTS: Final = frozenset(
    {
        "ConcurrentAppendException",
        "ConcurrentDeleteDeleteException",
        "ConcurrentDeleteReadException",
        "ConcurrentTransactionException",
        "ConcurrentWriteException",
        "DeltaConcurrentModificationException",
    }
)


def is_conflict(error: BaseException) -> bool:
    """Tell whether another writer of a table was in the way, by the name of what was raised.

    Delta 3 turns its errors into Python's. Delta 4.0 leaves them Java's, and 4.0.0 has no ``delta.exceptions`` at all.
    """
    if isinstance(error, Py4JJavaError):
        java = str(error.java_exception.getClass().getName())
        return java.startswith(_JAVA) and java.removeprefix(_JAVA) in _CONFLICTS
    python = type(error)
    # 4.0.1 has them a module deeper, for whoever imports that.
    return f"{python.__module__}.".startswith(_PYTHON) and python.__name__ in _CONFLICTS


#: Decorates what reads, computes and commits anew at each call; the last attempt's conflict is raised as it is.
retry_on_conflict: Final = retry(
    retry=retry_if_exception(is_conflict),
    stop=stop_after_attempt(8),
    wait=wait_random_exponential(multiplier=0.2, max=10),
    reraise=True,
)
