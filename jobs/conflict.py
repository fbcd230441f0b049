"""Conflict: two writers of one Delta table were in the same files, and the one that commits second tries again."""

from typing import Final

from delta import exceptions as delta
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

#: What Delta raises where another writer got in between. In Python these are siblings: the last is the base of
#: the others in Java alone.
CONFLICTS: Final = (
    delta.ConcurrentAppendException,
    delta.ConcurrentDeleteDeleteException,
    delta.ConcurrentDeleteReadException,
    delta.ConcurrentTransactionException,
    delta.ConcurrentWriteException,
    delta.DeltaConcurrentModificationException,
)

#: Decorates what reads, computes and commits anew at each call; the last attempt's conflict is raised as it is.
retry_on_conflict: Final = retry(
    retry=retry_if_exception_type(CONFLICTS),
    stop=stop_after_attempt(8),
    wait=wait_random_exponential(multiplier=0.2, max=10),
    reraise=True,
)
