"""Change set: what deploying a template would do, asked of CloudFormation before anything is done."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError
from rich.table import Table

from scripts.deploy_app.template import Template, stack_arguments
from scripts.platform.errors import PlatformError, aws_errors

_POLL_SECONDS: Final = 2.0
#: How CloudFormation says that there is nothing to do: a change set that failed.
_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """What would be done to one resource."""

    action: str
    resource: str
    kind: str
    #: ``True``, ``False``, ``Conditional``, or empty where it is new or goes.
    replacement: str


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    id: str
    stack_id: str
    changes: tuple[Change, ...]


def create_change_set(
    session: boto3.Session,
    stack: str,
    template: Template,
    parameters: Mapping[str, str],
    *,
    is_new: bool,
    sleep: Callable[[float], None],
) -> ChangeSet | None:
    """Let CloudFormation compare a template with what is there.

    Args:
        session: AWS.
        stack: its name.
        template: what it is to be.
        parameters: the value of every one.
        is_new: whether there is no such stack yet.
        sleep: waits for so many seconds.

    Returns:
        The change set, or None where there is nothing to change; then none is left behind.

    Raises:
        PlatformError: CloudFormation does not take the template or the parameters, or AWS refuses.
    """
    client = session.client("cloudformation")
    with aws_errors(f"prepare the stack {stack}"):
        try:
            made = client.create_change_set(
                ChangeSetName=f"deploy-{uuid.uuid4().hex[:12]}",
                ChangeSetType="CREATE" if is_new else "UPDATE",
                **stack_arguments(stack, template, parameters),
            )
        except ClientError as error:
            # moto says it at once, CloudFormation once it has looked.
            if is_nothing(str(error)):
                return None
            raise
        description = _await(client, made["Id"], sleep)
        if description["Status"] != "FAILED":
            return ChangeSet(made["Id"], made["StackId"], _changes(client, description))
    reason = str(description.get("StatusReason", "no reason given"))
    drop_change_set(session, ChangeSet(made["Id"], made["StackId"], ()), and_stack=is_new)
    if is_nothing(reason):
        return None
    raise PlatformError(f"CloudFormation does not take the stack {stack}: {' '.join(reason.split())}")


def is_nothing(reason: str) -> bool:
    """Whether CloudFormation says that there is nothing to change."""
    return any(words in reason for words in _NOTHING)


def drop_change_set(session: boto3.Session, change_set: ChangeSet, *, and_stack: bool) -> None:
    """Delete a change set that is not to be executed.

    Args:
        session: AWS.
        change_set: what to delete.
        and_stack: also the empty stack that CloudFormation makes for the change set of a new one.

    Raises:
        PlatformError: AWS refuses.
    """
    client = session.client("cloudformation")
    with aws_errors("delete the change set"):
        client.delete_change_set(ChangeSetName=change_set.id)
        if and_stack:
            client.delete_stack(StackName=change_set.stack_id)


def table_of(stack: str, changes: tuple[Change, ...]) -> Table:
    """Show what would be done to a stack."""
    table = Table(title=f"{stack}: {len(changes)} changes", title_justify="left")
    for heading in ("action", "resource", "type", "replaced"):
        table.add_column(heading, overflow="fold")
    for change in changes:
        table.add_row(change.action, change.resource, change.kind, change.replacement)
    return table


def _await(client: Any, change_set: str, sleep: Callable[[float], None]) -> Any:
    while True:
        description = client.describe_change_set(ChangeSetName=change_set)
        if description["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            return description
        sleep(_POLL_SECONDS)


def _changes(client: Any, description: Any) -> tuple[Change, ...]:
    found: list[Change] = []
    while True:
        for each in description["Changes"]:
            change = each["ResourceChange"]
            found.append(
                Change(
                    change["Action"],
                    change["LogicalResourceId"],
                    change["ResourceType"],
                    change.get("Replacement", ""),
                )
            )
        if not description.get("NextToken"):
            return tuple(found)
        description = client.describe_change_set(
            ChangeSetName=description["ChangeSetId"], NextToken=description["NextToken"]
        )
