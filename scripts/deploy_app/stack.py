"""A stack of CloudFormation: what it is now, and what it takes to make, change or delete it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from scripts.platform.errors import PlatformError, aws_errors, code_of

#: A stack of which only the name is there, or of which nothing has been left.
_EMPTY: Final = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"})


@dataclass(frozen=True)
class State:
    """A stack as CloudFormation describes it."""

    id: str
    #: Such as ``UPDATE_COMPLETE``.
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether it has no resources: an unexecuted change set, or a creation that failed, is all there was."""
        return self.status in _EMPTY


def state_of(session: boto3.Session, stack: str) -> State | None:
    """Look a stack up, by its name or id; None where there is none.

    Raises:
        PlatformError: AWS refuses.
    """
    with aws_errors(f"look up the stack {stack}"):
        try:
            found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            # That is how CloudFormation says that there is no such stack.
            if code_of(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
    return _state(found[0]) if found else None


def ready_state_of(session: boto3.Session, stack: str) -> State | None:
    """Look a stack up that is to be changed; None where there is none.

    Raises:
        PlatformError: it cannot be changed now, or AWS refuses.
    """
    state = state_of(session, stack)
    if state is None or state.status == "DELETE_COMPLETE":
        return None
    if state.status.endswith("_IN_PROGRESS") and not state.is_empty:
        raise PlatformError(f"the stack {stack} is being changed ({state.status}); try again when that is done")
    if state.status.endswith("_FAILED"):
        raise PlatformError(
            f"the stack {stack} is stuck ({state.status}); see its events in CloudFormation's console, "
            "continue the rollback there or delete it with --delete"
        )
    return state


def _state(found: Any) -> State:
    return State(
        id=found["StackId"],
        status=found["StackStatus"],
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())},
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
    )
