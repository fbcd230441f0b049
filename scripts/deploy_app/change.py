"""Change: a stack is made, or changed into what a template says."""

from collections.abc import Callable, Mapping

import boto3
from botocore.exceptions import ClientError
from rich.console import Console

from scripts.deploy_app.change_set import is_nothing
from scripts.deploy_app.following import Follower
from scripts.deploy_app.stack import State
from scripts.deploy_app.template import Template, stack_arguments
from scripts.platform.errors import aws_errors


def change_stack(
    session: boto3.Session,
    stack: str,
    template: Template,
    parameters: Mapping[str, str],
    before: State | None,
    console: Console,
    sleep: Callable[[float], None],
) -> Follower | None:
    """Begin to make or to change a stack.

    Args:
        session: AWS.
        stack: its name.
        template: what it is to be.
        parameters: the value of every one.
        before: the stack as it is; None where there is none.
        console: where to show what happens.
        sleep: waits for so many seconds.

    Returns:
        What follows it to its end; None where there is nothing to change.

    Raises:
        PlatformError: CloudFormation does not take the template or the parameters, or AWS refuses.
    """
    client = session.client("cloudformation")
    arguments = stack_arguments(stack, template, parameters)
    if before is None:
        with aws_errors(f"make the stack {stack}"):
            made = client.create_stack(**arguments)
        console.print(f"{stack}: being made.", markup=False, highlight=False)
        return Follower(session, made["StackId"], console, sleep, is_new=True)
    follower = Follower(session, before.id, console, sleep)
    with aws_errors(f"change the stack {stack}"):
        try:
            client.update_stack(**arguments)
        except ClientError as error:
            if is_nothing(str(error)):
                return None
            raise
    console.print(f"{stack}: being changed.", markup=False, highlight=False)
    return follower
