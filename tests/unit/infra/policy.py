"""A small evaluator of IAM policies: explicit deny, then allow, else deny. It does not judge what it does not know."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.unit.infra.resolved import Resolved

Statement = dict[str, Any]


def statements_of(platform: Resolved, role: str) -> list[Statement]:
    """All statements of a role's own policies, attached ones included, AWS's managed ones not."""
    resources = platform.resources
    inline = [each["PolicyDocument"] for each in resources[role]["Properties"].get("Policies", ())]
    policies = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::IAM::Policy"]
    documents = [*inline, *(each["PolicyDocument"] for each in policies if role in each["Roles"])]
    return [statement for document in documents for statement in document["Statement"]]


def is_allowed(
    statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a call is allowed, with the given values of condition keys."""
    effects = {
        each["Effect"]
        for each in statements
        if any(_matches(pattern, action, ignore_case=True) for pattern in listed(each["Action"]))
        and any(_matches(pattern, resource) for pattern in listed(each["Resource"]))
        and _holds(each.get("Condition", {}), context or {})
    }
    return effects == {"Allow"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _one_holds(operator, context.get(key), listed(values))
        for operator, tests in condition.items()
        for key, values in tests.items()
    )


def _one_holds(operator: str, actual: str | None, values: list[Any]) -> bool:
    name = operator.removesuffix("IfExists")
    if actual is None:
        return operator != name
    if name in ("StringEquals", "Bool"):
        return actual in [str(value) for value in values]
    if name in ("StringLike", "ArnLike"):
        return any(_matches(str(value), actual) for value in values)
    raise AssertionError(f"the tests do not know the operator {operator}")


def _matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE if ignore_case else 0) is not None
