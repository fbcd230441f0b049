"""Read a settings file, take overrides from the command line, and say in one line what is wrong."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pricestream.errors import SettingsError
from pricestream.secret import is_secret_name
from pricestream.settings import Settings

#: Something else stands where a section belongs.
_NO_SECTION: Final = frozenset({"model_type", "model_attributes_type", "dict_type"})


def load_settings(path: str | Path, overrides: Iterable[str] = ()) -> Settings:
    """Read the YAML file at ``path``, lay ``key.path=value`` overrides over it, and check the whole.

    Raises:
        SettingsError: the file cannot be read, a key is unknown or a value is out of range; the
            message names each and says what would be right.
    """
    return check_tree(read_tree(path, overrides), path)


def read_tree(path: str | Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read the YAML file at ``path`` and lay ``key.path=value`` overrides over it, unchecked.

    Raises:
        SettingsError: the file cannot be read or holds no sections, or an override is none.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}; give the settings file with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not YAML: {_where(error)}") from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path}: must hold the sections stream, producer and job")
    for override in overrides:
        _lay_over(tree, override)
    return tree


def check_tree(tree: Mapping[str, Any], path: str | Path) -> Settings:
    """Check what was read, and whatever was laid below it.

    Args:
        tree: the sections.
        path: the file that they come from, for the message.

    Raises:
        SettingsError: a key is unknown or a value is out of range.
    """
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(f"{path}: {'; '.join(_explain(each) for each in error.errors())}") from None


def _lay_over(tree: dict[str, Any], override: str) -> None:
    keys, equals, value = override.partition("=")
    *parents, last = keys.split(".")
    if not equals or not all([*parents, last]):
        raise SettingsError(f"--set {keys}: write it as section.key=value")
    for parent in parents:
        if not isinstance(tree.get(parent), dict):
            tree[parent] = {}
        tree = tree[parent]
    try:
        tree[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        tree[last] = value


def _explain(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key{_suggest(error['loc'])}"
    message = error["msg"].removeprefix("Value error, ")
    if not where:
        return message
    said = f"{where}: {message[0].lower()}{message[1:]}"
    # Not what was given for a secret by mistake, nor a whole section, whatever it holds.
    is_section = error["type"] in _NO_SECTION or isinstance(error["input"], dict | list)
    return said if is_section or is_secret_name(where) else f"{said} (it is {error['input']!r})"


def _where(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """Say what is wrong and in which line, and not what stands there: it may be what belongs into no log."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return " ".join(str(error).split())
    return f"{error.problem} in line {mark.line + 1}, column {mark.column + 1}"


def _suggest(location: tuple[int | str, ...]) -> str:
    """Say what would have been right where a key is unknown."""
    section: type[BaseModel] = Settings
    for part in location[:-1]:
        fields: Mapping[str, Any] = section.model_fields
        annotation = fields[part].annotation if isinstance(part, str) and part in fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""
        section = annotation
    known = sorted(section.model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"
