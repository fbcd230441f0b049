"""Following: what happens to a stack, event by event, until it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import boto3
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from scripts.deploy_app.stack import state_of
from scripts.platform.errors import PlatformError, aws_errors

_POLL_SECONDS: Final = 4.0
#: What CloudFormation says of a resource that it left off since another had failed.
_CANCELLED: Final = "cancelled"


@dataclass(frozen=True)
class Event:
    """One event of a stack."""

    id: str
    resource: str
    kind: str
    #: Such as ``CREATE_COMPLETE``.
    status: str
    reason: str

    @property
    def is_failure(self) -> bool:
        """Whether a resource failed by itself, and not since another one had."""
        return self.status.endswith("_FAILED") and _CANCELLED not in self.reason.lower()


class Follower:
    """Shows the events of a stack as they come."""

    def __init__(
        self,
        session: boto3.Session,
        stack_id: str,
        console: Console,
        sleep: Callable[[float], None],
        *,
        is_new: bool = False,
    ) -> None:
        """Begin with what comes from now on; make it before the change is started.

        Args:
            session: AWS.
            stack_id: the stack's id, by which it is found also once it is deleted.
            console: where to show them.
            sleep: waits for so many seconds.
            is_new: whether all events are of this change, which has been started already.

        Raises:
            PlatformError: AWS refuses.
        """
        self._session = session
        self._stack_id = stack_id
        self._name = stack_id.rpartition(":stack/")[2].partition("/")[0] or stack_id
        self._console = console
        self._sleep = sleep
        self._seen = set() if is_new else {event.id for event in self._events()}
        self._first_failure: Event | None = None

    def follow(self, done: str) -> None:
        """Show events until the stack is at rest.

        Args:
            done: the status that is meant, such as ``UPDATE_COMPLETE``.

        Raises:
            PlatformError: the stack is at rest in another status; or AWS refuses.
        """
        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.completed} resources done"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with progress:
            task = progress.add_task(self._name, total=None)
            while True:
                # The status first: what has happened before it was so is then among the events.
                state = state_of(self._session, self._stack_id)
                status = state.status if state else "DELETE_COMPLETE"
                progress.advance(task, self._show_new())
                if not status.endswith("_IN_PROGRESS"):
                    break
                self._sleep(_POLL_SECONDS)
        if status != done:
            raise PlatformError(f"the stack {self._name} ended as {status}: {self._why()}")

    def _show_new(self) -> int:
        """Print the new events; say how many resources are done."""
        finished = 0
        for event in self._events():
            if event.id in self._seen:
                continue
            self._seen.add(event.id)
            if event.is_failure and self._first_failure is None:
                self._first_failure = event
            if not event.status.endswith("_IN_PROGRESS"):
                finished += event.status.endswith("_COMPLETE")
                reason = f"  {event.reason}" if event.status.endswith("_FAILED") else ""
                line = f"{event.status:<24} {event.resource} ({event.kind}){reason}"
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        return finished

    def _why(self) -> str:
        failure = self._first_failure
        if failure is None:
            return "CloudFormation names no resource that failed; see its events"
        return (
            f"{failure.resource} ({failure.kind}) came first: {' '.join(failure.reason.split()) or 'no reason given'}"
        )

    def _events(self) -> list[Event]:
        """All events of the stack, the oldest first."""
        with aws_errors(f"read the events of the stack {self._name}"):
            pages = self._session.client("cloudformation").get_paginator("describe_stack_events")
            found = [each for page in pages.paginate(StackName=self._stack_id) for each in page["StackEvents"]]
        return [_event(each) for each in reversed(found)]


def _event(found: Any) -> Event:
    return Event(
        id=found["EventId"],
        resource=found.get("LogicalResourceId", ""),
        kind=found.get("ResourceType", ""),
        status=found.get("ResourceStatus", ""),
        reason=found.get("ResourceStatusReason", ""),
    )
