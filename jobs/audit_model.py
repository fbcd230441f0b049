"""What an audit finds, in plain values: nothing here needs Spark."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jobs.audit_scope import Scope

#: What can be wrong with a bar or a file: there should be one, there should be none, it should be another.
MISSING: Final = "missing"
UNFOUNDED: Final = "unfounded"
DIFFERS: Final = "differs"
#: A file of which ``bars`` says nothing, neither what it should hold nor that it should hold nothing.
WITHOUT_BARS: Final = "without bars"

#: How many findings of a kind are gathered; how many more there are is counted.
MAX_FINDINGS: Final = 10_000


@dataclass(frozen=True, order=True)
class Moment:
    """When a record was made and when it came, epoch ms; None where it is not known."""

    polled_ms: int | None
    arrived_ms: int | None


@dataclass(frozen=True)
class Gap:
    """Numbers of one producer that no row of ``ticks`` carries, both ends included."""

    producer_id: str
    from_seq: int
    to_seq: int
    #: Of the record just before; None where the first number is missing.
    before: Moment | None
    #: Of the record just behind.
    behind: Moment

    @property
    def count(self) -> int:
        """How many records are missing."""
        return self.to_seq - self.from_seq + 1


@dataclass(frozen=True)
class Conflict:
    """One number under which a producer sent two different records: two share an id, or one lost its state folder."""

    producer_id: str
    seq: int
    #: The first and the last poll of those records.
    first: Moment
    last: Moment


@dataclass(frozen=True)
class Producer:
    """What is there of one producer."""

    producer_id: str
    first_seq: int
    last_seq: int
    #: Different numbers that are there, and how many between them are not.
    count: int
    missing: int
    #: What is gone of the numbers before this one may be past retention, or the stream was told to begin later; None
    #: where all are judged.
    judged_from: int | None


@dataclass(frozen=True)
class Completeness:
    """Whether every number that a producer counted is in ``ticks``."""

    producers: tuple[Producer, ...] = ()
    gaps: tuple[Gap, ...] = ()
    #: All of them, also those that are not listed.
    gap_count: int = 0
    missing: int = 0
    conflicts: tuple[Conflict, ...] = ()
    conflict_count: int = 0
    producer_count: int = 0
    #: Different numbers that are there, of all producers.
    numbers: int = 0
    #: Gaps so new that what they lack may still be on its way.
    open_gaps: int = 0
    #: Accepted records without a producer or a number: nothing can be said of them.
    unnumbered: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is missing."""
        return not self.gap_count and not self.conflict_count


@dataclass(frozen=True)
class Accounting:
    """What each row of ``ticks`` is."""

    #: As the table counts them.
    rows: int = 0
    #: Different ticks and records, by status; a tick that is ok and late is ok.
    distinct: dict[str, int] = field(default_factory=dict)
    #: The same record read once more, and another record that says the same.
    rereads: int = 0
    resends: int = 0
    #: Rows that the stream did not bring, by ``added_by``.
    added: dict[str, int] = field(default_factory=dict)

    @property
    def accounted(self) -> int:
        """The sum of all classes, which must be ``rows``."""
        return sum(self.distinct.values()) + self.rereads + self.resends + sum(self.added.values())

    @property
    def holds(self) -> bool:
        """Whether each row is in one class."""
        return self.rows == self.accounted


@dataclass(frozen=True, order=True)
class BarDifference:
    """A closed window whose stored bar is not the one that its ticks make."""

    coin_id: str
    vs_currency: str
    interval: str
    window_start_ms: int
    #: :data:`MISSING`, :data:`UNFOUNDED` or :data:`DIFFERS`.
    kind: str


@dataclass(frozen=True, order=True)
class FileDifference:
    """A file of the CSV tree that does not hold what ``bars`` says."""

    #: Its path in the tree.
    key: str
    #: :data:`MISSING`, :data:`UNFOUNDED`, :data:`DIFFERS` or :data:`WITHOUT_BARS`.
    kind: str


@dataclass(frozen=True)
class Consistency:
    """Whether bars are what their ticks make, and files what their bars say."""

    bar_differences: tuple[BarDifference, ...] = ()
    bar_difference_count: int = 0
    #: The dates of bars that are missing or differ.
    bar_dates: frozenset[date] = frozenset()
    bars: int = 0
    #: All of them: a repair goes by it.
    file_differences: tuple[FileDifference, ...] = ()
    files: int = 0
    #: Files that differ, but are still being written to.
    open_files: int = 0

    @property
    def files_without_bars(self) -> int:
        """How many files ``bars`` says nothing of; a repair leaves them alone."""
        return sum(each.kind == WITHOUT_BARS for each in self.file_differences)

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.bar_difference_count and not self.file_differences


@dataclass(frozen=True)
class Repair:
    """What a repair did."""

    #: Records that were fetched again and landed in ``ticks``.
    landed: int = 0
    #: Records found whose windows are still open: the next audit can land them.
    too_new: int = 0
    #: Missing records that the stream does not keep any more, and those that it should have and has not.
    forgotten: int = 0
    not_found: int = 0
    #: Bars that were made anew, and files that were replaced.
    bars: int = 0
    files: int = 0


@dataclass(frozen=True)
class Audit:
    """One look at the lake."""

    scope: "Scope"
    completeness: Completeness
    accounting: Accounting
    consistency: Consistency
    #: What was repaired before it.
    repair: Repair | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing is missing and nothing differs."""
        return self.completeness.holds and self.accounting.holds and self.consistency.holds
