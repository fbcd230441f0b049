"""The evaluator that the table of permissions stands on, against cases from IAM's documentation."""

from typing import Any

import pytest

from tests.unit.infra.policy import is_allowed

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/lake/*"}
DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "action", "resource", "expected"),
    [
        ([ALLOW], "s3:GetObject", "arn:aws:s3:::b/lake/x/y", True),
        ([ALLOW], "S3:getobject", "arn:aws:s3:::b/lake/x", True),
        ([ALLOW], "s3:GetObjectTagging", "arn:aws:s3:::b/lake/x", False),
        ([ALLOW], "s3:GetObject", "arn:aws:s3:::b/LAKE/x", False),
        ([ALLOW], "s3:GetObject", "arn:aws:s3:::b/other", False),
        ([ALLOW, DENY], "s3:GetObject", "arn:aws:s3:::b/lake/x", False),
        ([], "s3:GetObject", "arn:aws:s3:::b/lake/x", False),
    ],
)
def test_deny_wins_and_nothing_is_allowed_by_itself(
    statements: list[dict[str, Any]], action: str, resource: str, expected: bool
) -> None:
    assert is_allowed(statements, action, resource) is expected


@pytest.mark.parametrize(
    ("operator", "value", "context", "expected"),
    [
        ("StringEquals", "a", {"k": "a"}, True),
        ("StringEquals", ["a", "b"], {"k": "b"}, True),
        ("StringEquals", "a*", {"k": "ab"}, False),
        ("StringLike", "a*", {"k": "ab"}, True),
        ("StringLike", "a*", {}, False),
        ("StringLikeIfExists", "a*", {}, True),
        ("StringLikeIfExists", "a*", {"k": "b"}, False),
        ("Bool", "false", {"k": "false"}, True),
        ("Bool", "false", {"k": "true"}, False),
        ("ArnLike", "arn:aws:ecs:*:1:*", {"k": "arn:aws:ecs:eu-west-1:1:task/x"}, True),
    ],
)
def test_conditions(operator: str, value: object, context: dict[str, str], expected: bool) -> None:
    statement = {**ALLOW, "Condition": {operator: {"k": value}}}

    assert is_allowed([statement], "s3:GetObject", "arn:aws:s3:::b/lake/x", context) is expected


def test_an_operator_that_it_does_not_know_is_no_answer() -> None:
    statement = {**ALLOW, "Condition": {"NumericLessThan": {"k": 1}}}

    with pytest.raises(AssertionError, match="NumericLessThan"):
        is_allowed([statement], "s3:GetObject", "arn:aws:s3:::b/lake/x", {"k": "0"})
