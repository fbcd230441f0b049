"""Run: a step of a cluster or a job run of a serverless application, in words that are the same for both."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from scripts.submit_app.work import Kind, Label, Work


class Stage(Enum):
    """How far a run is."""

    WAITING = auto()
    RUNNING = auto()
    #: It was asked to end.
    ENDING = auto()
    DONE = auto()
    FAILED = auto()
    CANCELLED = auto()

    @property
    def is_live(self) -> bool:
        """Whether more may come of it."""
        return self in (Stage.WAITING, Stage.RUNNING, Stage.ENDING)


@dataclass(frozen=True)
class Run:
    """One run, as it was when it was looked at."""

    id: str
    label: Label
    stage: Stage
    #: AWS's own word for the stage.
    state: str
    #: Why it is there, where AWS says so.
    reason: str = ""


class Runner(Protocol):
    """Where jobs run."""

    def check(self) -> None:
        """Make sure that it takes jobs.

        Raises:
            PlatformError: it is gone, or going.
        """

    def live(self, kind: Kind) -> list[Run]:
        """Give what waits or runs of a kind, of this stack, the oldest first."""

    def runs(self) -> Iterator[Run]:
        """Give all runs of this stack that AWS still knows, the newest first."""

    def start(self, work: Work) -> Run:
        """Start a job, and give its run: that of another who started the same at the same moment, where there is one.

        Raises:
            PlatformError: AWS refuses, or it could not run beside what runs.
        """

    def look(self, run: Run) -> Run:
        """Look at it anew."""

    def cancel(self, run: Run) -> None:
        """End it, in the midst of whatever it does."""

    def driver_logs(self, run: Run) -> str:
        """Say where the driver's log is, an ``s3://`` folder."""
