"""The README says in both languages the same, and what it names is there."""

import re
from pathlib import Path

import pytest
import yaml

from pricestream.alert_settings import AlertSettings

LINK = re.compile(r"\]\(([^)#\s]+)")
#: What stands in front of the remark of a command.
COMMAND = re.compile(r"^    (\./scripts/[^#\n]+?)\s*(?:#|$)", re.MULTILINE)
FENCED = re.compile(r"^```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    return [each for each in LINK.findall(text) if each not in ("README.md", "README.es.md")]


def test_both_readmes_have_the_same_parts_commands_code_and_links(root: Path) -> None:
    english, spanish = ((root / name).read_text(encoding="utf-8") for name in ("README.md", "README.es.md"))
    assert [line.count("#") for line in english.splitlines() if line.startswith("#")] == [
        line.count("#") for line in spanish.splitlines() if line.startswith("#")
    ]
    assert COMMAND.findall(english) == COMMAND.findall(spanish)
    assert len(COMMAND.findall(english)) > 10
    assert FENCED.findall(english) == FENCED.findall(spanish)
    assert links(english) == links(spanish)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.es.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        *sorted(
            str(path.relative_to(Path(__file__).parents[3]))
            for path in (Path(__file__).parents[3] / "docs").rglob("*.md")
        ),
    ],
)
def test_what_is_linked_is_there(root: Path, name: str) -> None:
    page = root / name
    wanted = [each for each in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in each]
    assert [each for each in wanted if not (page.parent / each).exists()] == []


def test_every_command_is_there(root: Path) -> None:
    commands = COMMAND.findall((root / "README.md").read_text(encoding="utf-8"))
    names = {command.split()[0] for command in commands}
    assert [name for name in sorted(names) if not (root / name).is_file()] == []


def test_the_rules_of_the_page_on_alerts_are_rules(root: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", (root / "docs" / "alerts.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block
    alerts = AlertSettings.model_validate(yaml.safe_load(block[1])["job"]["alerts"])
    assert {rule.when for rule in alerts.rules} == {"above", "below", "change", "anomaly", "stale", "lag"}
