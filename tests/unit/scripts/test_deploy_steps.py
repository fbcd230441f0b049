"""Deploy where moto has nothing to offer: stacks that take time, resources that fail, AWS that refuses.

Every answer is botocore's Stubber's, which holds calls and answers against the service's own description.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from rich.console import Console

from scripts.deploy_app.change import change_stack
from scripts.deploy_app.change_set import Change, create_change_set
from scripts.deploy_app.closing import next_steps
from scripts.deploy_app.following import Follower
from scripts.deploy_app.stack import State, ready_state_of, state_of
from scripts.deploy_app.template import Template, stack_arguments
from scripts.platform.errors import PlatformError

ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/prices/1"
SET = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/deploy-1/1"
WHEN = datetime(2026, 1, 5, tzinfo=UTC)
TEMPLATE = Template("Resources: {}", {})


class Session:
    """A session whose one client is stubbed."""

    def __init__(self) -> None:
        self.cloudformation = boto3.client("cloudformation", region_name="us-east-1")
        self.stub = Stubber(self.cloudformation)

    def client(self, name: str) -> Any:
        assert name == "cloudformation"
        return self.cloudformation

    def describes(self, status: str, reason: str = "") -> None:
        stack = {"StackName": "prices", "StackId": ID, "StackStatus": status, "CreationTime": WHEN}
        self.stub.add_response("describe_stacks", {"Stacks": [{**stack, "StackStatusReason": reason}]})

    def tells(self, *events: tuple[str, str, str]) -> None:
        """Give these events, as (resource, status, reason), the oldest first; AWS gives the newest first."""
        found = [
            {
                "StackId": ID,
                "StackName": "prices",
                "EventId": f"{resource}-{status}",
                "Timestamp": WHEN,
                "LogicalResourceId": resource,
                "ResourceType": "AWS::X::Y",
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for resource, status, reason in events
        ]
        self.stub.add_response("describe_stack_events", {"StackEvents": found[::-1]}, {"StackName": ID})


@pytest.fixture
def aws() -> Iterator[Any]:
    session = Session()
    with session.stub:
        yield session
    session.stub.assert_no_pending_responses()


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


def console_to(said: io.StringIO) -> Console:
    return Console(file=said, width=200)


def test_it_follows_a_stack_until_it_is_at_rest(aws: Any, said: io.StringIO) -> None:
    slept: list[float] = []
    old = ("Old", "CREATE_COMPLETE", "")
    started = ("Stream", "UPDATE_IN_PROGRESS", "")
    done = ("Stream", "UPDATE_COMPLETE", "")
    aws.tells(old)
    follower = Follower(aws, ID, console_to(said), slept.append)
    aws.describes("UPDATE_IN_PROGRESS")
    aws.tells(old, started)
    # The old resources go last; it is not done before that.
    aws.describes("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.tells(old, started, done)
    aws.describes("UPDATE_COMPLETE")
    aws.tells(old, started, done)

    follower.follow("UPDATE_COMPLETE")

    assert said.getvalue().count("UPDATE_COMPLETE") == 1
    assert "Stream (AWS::X::Y)" in said.getvalue()
    assert "Old" not in said.getvalue()
    assert len(slept) == 2


def test_a_failure_is_the_first_resource_that_failed_and_why(aws: Any, said: io.StringIO) -> None:
    follower = Follower(aws, ID, console_to(said), lambda _: None, is_new=True)
    events = [
        ("Bucket", "CREATE_IN_PROGRESS", ""),
        ("Cluster", "CREATE_FAILED", "Your quota of\n vCPUs is 0"),
        ("State", "CREATE_FAILED", "Resource creation cancelled"),
    ]
    aws.describes("ROLLBACK_IN_PROGRESS")
    aws.tells(*events)
    aws.describes("ROLLBACK_COMPLETE")
    aws.tells(*events, ("Bucket", "DELETE_COMPLETE", ""))

    with pytest.raises(PlatformError) as caught:
        follower.follow("CREATE_COMPLETE")

    assert str(caught.value) == (
        "the stack prices ended as ROLLBACK_COMPLETE: Cluster (AWS::X::Y) came first: Your quota of vCPUs is 0"
    )
    assert caught.value.exit_code == 7


def test_a_cancelled_resource_is_not_blamed_although_it_is_told_of_first(aws: Any, said: io.StringIO) -> None:
    follower = Follower(aws, ID, console_to(said), lambda _: None, is_new=True)
    aws.describes("UPDATE_ROLLBACK_COMPLETE")
    aws.tells(("State", "UPDATE_FAILED", "Resource update cancelled"), ("Task", "UPDATE_FAILED", "No such image"))

    with pytest.raises(PlatformError, match=r"Task \(AWS::X::Y\) came first: No such image"):
        follower.follow("UPDATE_COMPLETE")


def test_a_failure_without_a_resource_says_so(aws: Any, said: io.StringIO) -> None:
    follower = Follower(aws, ID, console_to(said), lambda _: None, is_new=True)
    aws.describes("ROLLBACK_COMPLETE")
    aws.tells()

    with pytest.raises(PlatformError, match="names no resource that failed"):
        follower.follow("CREATE_COMPLETE")


def test_a_stack_that_is_gone_is_none(aws: Any) -> None:
    aws.stub.add_client_error("describe_stacks", "ValidationError", "Stack with id prices does not exist")

    assert state_of(aws, "prices") is None


def test_a_refusal_is_one_line(aws: Any) -> None:
    words = "User: x is not authorized to perform: cloudformation:DescribeStacks"
    aws.stub.add_client_error("describe_stacks", "AccessDenied", words)

    with pytest.raises(PlatformError) as caught:
        state_of(aws, "prices")

    assert str(caught.value).startswith("cannot look up the stack prices: AWS denies DescribeStacks")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("UPDATE_IN_PROGRESS", "try again when that is done"),
        ("DELETE_IN_PROGRESS", "try again when that is done"),
        ("UPDATE_ROLLBACK_FAILED", "continue the rollback"),
        ("DELETE_FAILED", "delete it with --delete"),
    ],
)
def test_a_stack_that_cannot_be_changed_now(aws: Any, status: str, words: str) -> None:
    aws.describes(status)

    with pytest.raises(PlatformError, match=words) as caught:
        ready_state_of(aws, "prices")

    assert status in str(caught.value)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"])
def test_a_stack_that_can(aws: Any, status: str) -> None:
    aws.describes(status)
    state = ready_state_of(aws, "prices")

    assert state is not None
    # Of a creation that failed nothing is left, and nothing of it can be changed.
    assert state.is_empty is (status == "ROLLBACK_COMPLETE")


def a_set(status: str, *resources: str, **more: str) -> dict[str, Any]:
    changes = [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Modify",
                "LogicalResourceId": resource,
                "ResourceType": "AWS::X::Y",
                "Replacement": "True",
            },
        }
        for resource in resources
    ]
    return {"ChangeSetId": SET, "Status": status, "Changes": changes, **more}


def test_a_change_set_is_waited_for_and_read_to_its_end(aws: Any) -> None:
    slept: list[float] = []
    aws.stub.add_response("create_change_set", {"Id": SET, "StackId": ID})
    aws.stub.add_response("describe_change_set", a_set("CREATE_IN_PROGRESS"))
    aws.stub.add_response("describe_change_set", a_set("CREATE_COMPLETE", "Stream", NextToken="more"))
    aws.stub.add_response("describe_change_set", a_set("CREATE_COMPLETE", "Key"))

    found = create_change_set(aws, "prices", TEMPLATE, {}, is_new=False, sleep=slept.append)

    assert found is not None
    assert found.changes == (
        Change("Modify", "Stream", "AWS::X::Y", "True"),
        Change("Modify", "Key", "AWS::X::Y", "True"),
    )
    assert len(slept) == 1


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes. Submit …", "No updates are to be performed."]
)
def test_a_change_set_without_changes_is_none_and_is_deleted(aws: Any, reason: str) -> None:
    aws.stub.add_response("create_change_set", {"Id": SET, "StackId": ID})
    aws.stub.add_response("describe_change_set", a_set("FAILED", StatusReason=reason))
    aws.stub.add_response("delete_change_set", {}, {"ChangeSetName": SET})

    assert create_change_set(aws, "prices", TEMPLATE, {}, is_new=False, sleep=lambda _: None) is None


def test_a_change_set_that_fails_leaves_no_empty_stack(aws: Any) -> None:
    aws.stub.add_response("create_change_set", {"Id": SET, "StackId": ID})
    aws.stub.add_response("describe_change_set", a_set("FAILED", StatusReason="Rule SubnetsOfTheVpc\nis broken"))
    aws.stub.add_response("delete_change_set", {}, {"ChangeSetName": SET})
    aws.stub.add_response("delete_stack", {}, {"StackName": ID})

    with pytest.raises(PlatformError, match="does not take the stack prices: Rule SubnetsOfTheVpc is broken"):
        create_change_set(aws, "prices", TEMPLATE, {}, is_new=True, sleep=lambda _: None)


def test_an_update_that_is_none(aws: Any, said: io.StringIO) -> None:
    before = State(ID, "CREATE_COMPLETE", {}, {})
    aws.tells()
    aws.stub.add_client_error("update_stack", "ValidationError", "No updates are to be performed.")

    assert change_stack(aws, "prices", TEMPLATE, {}, before, console_to(said), lambda _: None) is None


def test_a_template_that_is_not_taken_is_one_line(aws: Any, said: io.StringIO) -> None:
    aws.stub.add_client_error("create_stack", "ValidationError", "Parameter Shards failed to satisfy constraint")

    with pytest.raises(PlatformError, match=r"cannot make the stack prices: .*Shards failed") as caught:
        change_stack(aws, "prices", TEMPLATE, {}, None, console_to(said), lambda _: None)

    assert "\n" not in str(caught.value)


def test_what_cloudformation_is_told(aws: Any, said: io.StringIO) -> None:
    expected = {
        "StackName": "prices-watch",
        "TemplateBody": "Resources: {}",
        "Parameters": [{"ParameterKey": "Stream", "ParameterValue": "prices"}],
        # Its roles have no names of their own, so no more than this is asked for.
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "platform", "Value": "prices"}],
    }
    aws.stub.add_response("create_stack", {"StackId": ID}, expected)

    assert stack_arguments("prices-watch", TEMPLATE, {"Stream": "prices"}) == expected
    change_stack(aws, "prices-watch", TEMPLATE, {"Stream": "prices"}, None, console_to(said), lambda _: None)


def test_a_dry_run_is_told_the_same(aws: Any) -> None:
    expected = {
        **stack_arguments("prices", TEMPLATE, {}),
        "ChangeSetName": ANY,
        "ChangeSetType": "CREATE",
    }
    aws.stub.add_response("create_change_set", {"Id": SET, "StackId": ID}, expected)
    aws.stub.add_response("describe_change_set", a_set("CREATE_COMPLETE"))

    assert create_change_set(aws, "prices", TEMPLATE, {}, is_new=True, sleep=lambda _: None) is not None


def test_the_next_step_puts_the_key_where_no_list_of_processes_shows_it() -> None:
    state = State(ID, "CREATE_COMPLETE", {"ProducerApiKey": "yes"}, {"ApiKeySecret": "arn:secret"})
    lines = next_steps(state, stack="prices", region="eu-west-1", email=None)

    assert any(
        line.strip() == 'read -rs key && printf %s "$key" | aws secretsmanager put-secret-value --region eu-west-1 '
        "--secret-id arn:secret --secret-string file:///dev/stdin"
        for line in lines
    )
    assert lines[-1] == "Next: ./scripts/package, then ./scripts/submit --stack prices --config conf/emr.yaml"


def test_without_a_key_nobody_is_asked_for_one() -> None:
    state = State(ID, "CREATE_COMPLETE", {"ProducerApiKey": "no"}, {"ApiKeySecret": "arn:secret"})

    assert next_steps(state, stack="pricestream", region="eu-west-1", email=None) == [
        "Next: ./scripts/package, then ./scripts/submit --config conf/emr.yaml"
    ]
