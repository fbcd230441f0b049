"""Removal: the end of a platform, and what stays of it."""

from collections.abc import Callable
from typing import Final

import boto3
from rich.console import Console

from scripts.deploy_app.following import Follower
from scripts.deploy_app.stack import State, state_of
from scripts.platform.errors import PlatformError, aws_errors

#: What the template keeps, by the name of its output, and in words.
_STAYS: Final = {
    "Bucket": "the bucket {} with the lake; empty and delete it by hand",
    "CommitTable": "the DynamoDB table {}, which belongs to the lake",
    "Key": "the key {}, without which neither can be read",
}


def what_stays(state: State) -> list[str]:
    """Say what is still there after the stack is deleted, and costs."""
    return [words.format(state.outputs[name]) for name, words in _STAYS.items() if state.outputs.get(name)]


def remove(session: boto3.Session, stack: str, console: Console, sleep: Callable[[float], None], *, sure: bool) -> None:
    """Delete the platform, the stack that watches it first.

    Args:
        session: AWS.
        stack: the platform's name.
        console: where to say what happens.
        sleep: waits for so many seconds.
        sure: without it nothing is deleted.

    Raises:
        PlatformError: there is no such stack, it is not sure, a resource cannot be deleted, or AWS refuses.
    """
    state = state_of(session, stack)
    watch = state_of(session, f"{stack}-watch")
    if state is None and watch is None:
        raise PlatformError(f"there is no stack {stack}; nothing to delete")
    stays = what_stays(state) if state else []
    if not sure:
        kept = f" What stays: {'; '.join(stays)}." if stays else ""
        raise PlatformError(
            f"--delete ends the job and the producer, and deletes the stream with every record on it, the producer's "
            f"spool and the secret; say --yes as well if you mean it.{kept}"
        )
    for found in (watch, state):
        if found:
            follower = Follower(session, found.id, console, sleep)
            with aws_errors(f"delete the stack {found.id}"):
                session.client("cloudformation").delete_stack(StackName=found.id)
            follower.follow("DELETE_COMPLETE")
    for line in stays:
        console.print(f"Stays: {line}", markup=False, highlight=False, soft_wrap=True)
