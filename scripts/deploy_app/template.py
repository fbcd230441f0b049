"""Template: a file of CloudFormation, and which parameters it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pricestream.errors import SettingsError

#: What CloudFormation takes of a template that is not in a bucket.
MAXIMUM_BYTES: Final = 51_200


class _Loader(yaml.SafeLoader):
    """Reads YAML without minding CloudFormation's own tags (``!Ref``), of whose values none is looked at."""


def _ignore(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None


_Loader.add_multi_constructor("!", _ignore)


@dataclass(frozen=True)
class Template:
    """A template as it is sent."""

    body: str
    #: The names of its parameters, and their defaults; None where a value has to be given.
    parameters: Mapping[str, str | None]

    @classmethod
    def read(cls, path: Path) -> "Template":
        """Read the file at ``path``."""
        body = path.read_text(encoding="utf-8")
        tree = _Loader(body).get_single_data()
        declared: dict[str, dict[str, Any]] = tree.get("Parameters", {})
        defaults = {name: each.get("Default") for name, each in declared.items()}
        return cls(body, {name: None if value is None else str(value) for name, value in defaults.items()})


def stack_arguments(stack: str, template: Template, parameters: Mapping[str, str]) -> dict[str, Any]:
    """What CloudFormation is told of a stack, whether it is to make, change or compare it."""
    return {
        "StackName": stack,
        "TemplateBody": template.body,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "platform", "Value": stack.removesuffix("-watch")}],
    }


def parse_parameters(pairs: list[str], *templates: Template) -> dict[str, str]:
    """Read ``Name=Value`` pairs of the command line.

    Raises:
        SettingsError: one is no such pair, or no template has a parameter of its name.
    """
    known = {name for template in templates for name in template.parameters}
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--parameter {pair}: say Name=Value")
        if name not in known:
            raise SettingsError(f"--parameter {name}: there is no such parameter; there are {', '.join(sorted(known))}")
        given[name] = value
    return given
