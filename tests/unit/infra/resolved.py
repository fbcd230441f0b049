"""A template with its references and conditions worked out, as CloudFormation would for given parameters."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

INFRA = Path(__file__).resolve().parents[3] / "infra"
ACCOUNT, REGION, STACK = "111122223333", "eu-west-1", "prices"

_PSEUDO: dict[str, Any] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::NoValue": None,
}
#: What a resource's ARN looks like, by its type; written down from AWS's service authorization reference.
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::the-bucket",
    "AWS::Kinesis::Stream": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STACK}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/the-key",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/the-table",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:the-secret",
    "AWS::EFS::FileSystem": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1",
    "AWS::EFS::AccessPoint": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1",
}
_REFS = {"AWS::S3::Bucket": "the-bucket", "AWS::SecretsManager::Secret": _ARNS["AWS::SecretsManager::Secret"]}


def load(name: str) -> dict[str, Any]:
    """The template as it is written, its short tags as ``Fn::…``."""
    template: dict[str, Any] = _plain(cfn_yaml.load(INFRA / name))
    return template


@dataclass(frozen=True)
class Resolved:
    """A template for given parameters."""

    template: dict[str, Any]
    parameters: dict[str, Any]

    @property
    def resources(self) -> dict[str, Any]:
        """Those that are made."""
        return {
            name: self.value(each)
            for name, each in self.template["Resources"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            name: self.value(each["Value"])
            for name, each in self.template["Outputs"].items()
            if "Condition" not in each or self.holds(each["Condition"])
        }

    def holds(self, condition: str) -> bool:
        return bool(self.value(self.template["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            values = [self.value(each) for each in node]
            return [each for each in values if each is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            function = getattr(self, "_" + name.replace("Fn::", "").lower(), None)
            if (name.startswith("Fn::") or name in ("Ref", "Condition")) and not isinstance(argument, dict | None):
                assert function is not None, f"the tests do not know {name}"
                return function(argument)
        entries = {name: self.value(each) for name, each in node.items()}
        return {name: each for name, each in entries.items() if each is not None}

    def _ref(self, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return _REFS.get(self.template["Resources"][name]["Type"], name)

    def _getatt(self, path: Any) -> Any:
        name, attribute = path if isinstance(path, list) else path.split(".", 1)
        kind = self.template["Resources"][name]["Type"]
        if attribute != "Arn":
            return f"{name}.{attribute}"
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{name}"
        return _ARNS.get(kind, f"{name}.Arn")

    def _sub(self, text: str) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            return str(self._getatt(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", one, text)

    def _if(self, argument: list[Any]) -> Any:
        return self.value(argument[1] if self.holds(argument[0]) else argument[2])

    def _condition(self, name: str) -> bool:
        return self.holds(name)

    def _equals(self, argument: list[Any]) -> bool:
        left, right = self.value(argument[0]), self.value(argument[1])
        return str(left) == str(right)

    def _not(self, argument: list[Any]) -> bool:
        return not self.value(argument)[0]

    def _and(self, argument: list[Any]) -> bool:
        return all(self.value(argument))

    def _select(self, argument: list[Any]) -> str:
        return f"{argument}"

    def _getazs(self, argument: Any) -> str:
        return f"{argument}"

    def _cidr(self, argument: list[Any]) -> str:
        return f"{argument}"


def resolve(name: str, **parameters: Any) -> Resolved:
    """Read a template, with its defaults and the given parameters."""
    template = load(name)
    defaults = {key: each.get("Default") for key, each in template["Parameters"].items()}
    assert parameters.keys() <= defaults.keys()
    return Resolved(template, {**defaults, **parameters})


def _plain(node: Any) -> Any:
    """Built-in types in place of cfn-lint's own, which know their lines."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(each) for each in node]
    return str(node) if isinstance(node, str) else node
