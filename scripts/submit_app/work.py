"""Work: what is submitted, and the name by which it is found again among all that runs there."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self


class Kind(StrEnum):
    """What a job does."""

    STREAM = "stream"
    BACKFILL = "backfill"
    AUDIT = "audit"
    MAINTAIN = "maintain"


#: What each is started by; the artefact has them.
ENTRIES: Final = {
    Kind.STREAM: "stream_prices.py",
    Kind.BACKFILL: "backfill_prices.py",
    Kind.AUDIT: "audit_prices.py",
    Kind.MAINTAIN: "maintain_tables.py",
}


@dataclass(frozen=True)
class Label:
    """The name of a step or job run, taken apart: ``<stack>/<kind>/<version>/<settings>[/<arguments>]``.

    It says all that tells two runs apart, since nothing but a name can be listed on a cluster.
    """

    stack: str
    kind: Kind
    version: str
    #: The hash that names the settings in the bucket.
    settings: str
    #: A hash of the entry's arguments; empty where it has none.
    arguments: str = ""

    def __str__(self) -> str:
        """Put it together."""
        parts = (self.stack, self.kind.value, self.version, self.settings, self.arguments)
        return "/".join(part for part in parts if part)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Take a name apart; None where it is none of ours."""
        stack, *parts = name.split("/")
        if not stack or len(parts) not in (3, 4) or parts[0] not in set(Kind) or not all(parts):
            return None
        return cls(stack, Kind(parts[0]), *parts[1:])


@dataclass(frozen=True)
class Work:
    """A job to be started."""

    stack: str
    kind: Kind
    #: Of the artefact, which lies in ``app/<version>/``.
    version: str
    #: The hash that names the settings in the bucket.
    settings: str
    #: Of the entry, without ``--config``.
    arguments: tuple[str, ...] = ()
    #: What ``job.spark.conf`` says: the last word on Spark's settings.
    conf: dict[str, str] = field(default_factory=dict)
    #: The interpreter on the machines there.
    python: str = "python3.11"

    @property
    def label(self) -> Label:
        """Its name."""
        digest = hashlib.sha256("\0".join(self.arguments).encode()).hexdigest()[:12] if self.arguments else ""
        return Label(self.stack, self.kind, self.version, self.settings, digest)
