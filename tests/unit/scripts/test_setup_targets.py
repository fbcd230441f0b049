"""A second Spark beside the first: its own folders and locks, and otherwise the same versions."""

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.ivy import Ivy
from scripts.local_env.jars import read_lock
from scripts.local_env.packages import Packages
from scripts.local_env.state import State
from scripts.local_env.steps import pending_steps

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def second(checkout: Checkout) -> Checkout:
    """An empty second target, with all that its setup reads."""
    for name in ("setup.py", "pyproject.toml"):
        (checkout.root / name).touch()
    (checkout.root / "requirements").mkdir()
    for name in ("build", "run", "test", "java", "spark4"):
        checkout.requirements(name).write_text(name)
    for conf in ("spark", "spark4"):
        (checkout.root / "conf" / conf).mkdir(parents=True)
        (checkout.root / "conf" / conf / "jars.sha256").write_text(f"{'0' * 64}  {conf}.jar\n")
    return Checkout(checkout.root, "spark4")


def locked(name: str) -> set[tuple[str, str]]:
    """The pinned packages and versions, whatever it is that they are left out on."""
    lines = re.findall(r"^([a-z0-9-]+)==(\S+).* \\$", (ROOT / "requirements" / f"{name}.txt").read_text(), re.M)
    return set(lines)


def test_only_spark_and_what_goes_with_it_differ_from_the_first_target() -> None:
    others = dict(locked("spark4") - locked("test"))
    assert others.keys() == {"pyspark", "delta-spark", "py4j"}
    assert others["pyspark"].startswith("4.0.")
    assert others["delta-spark"].startswith("4.0.")


def test_every_package_has_a_hash() -> None:
    entries = re.split(r"^(?=\w)", (ROOT / "requirements" / "spark4.txt").read_text(), flags=re.MULTILINE)
    assert [entry for entry in entries if entry and not re.search(r"==.*\\\n +--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_every_jar_that_is_named_is_locked_and_all_are_of_one_delta_and_of_scala_2_13() -> None:
    named = list(ET.parse(ROOT / "conf" / "spark4" / "jars.xml").getroot().iter("dependency"))
    delta = dict(locked("spark4"))["delta-spark"]
    assert {each.get("transitive") for each in named} == {"false"}
    assert set(read_lock(ROOT / "conf" / "spark4" / "jars.sha256")) == {
        f"delta-spark_2.13-{delta}.jar",
        f"delta-storage-{delta}.jar",
    }
    assert len(named) == 2


def test_the_targets_share_nothing_but_the_checkout(checkout: Checkout, second: Checkout) -> None:
    def made(target: Checkout) -> set[Path]:
        return {target.venv, target.python, target.site_packages, target.jars, target.log, target.jars_lock}

    assert not made(checkout) & made(second)
    assert second.venv == checkout.root / ".local" / "spark4" / "venv"
    assert second.jars_named == checkout.root / "conf" / "spark4" / "jars.xml"
    # Where the first one's always were.
    assert (checkout.venv, checkout.jars) == (checkout.root / ".venv", checkout.root / ".local" / "jars")
    assert checkout.jars_named == checkout.root / "conf" / "spark" / "jars.xml"


@pytest.mark.parametrize("tests", [False, True])
def test_it_has_one_lock_whether_for_tests_or_not(second: Checkout, tests: bool) -> None:
    packages = Packages(second, State(second.venv / "setup.json"), {}, tests)
    assert not packages.locked_is_done()
    with packages.state.doing("spark4", packages._locked_key("spark4")):
        pass
    assert packages.locked_is_done()
    second.requirements("spark4").write_text("another version")
    assert not packages.locked_is_done()


def test_a_half_made_environment_goes_and_the_first_target_s_stays(checkout: Checkout, second: Checkout) -> None:
    for target in (checkout, second):
        target.python.parent.mkdir(parents=True)
        target.python.symlink_to(sys.executable)
    packages = Packages(second, State(second.venv / "setup.json"), {}, tests=False)
    with packages.state.doing("venv", str(second.venv)):
        pass
    packages.discard_broken_venv()
    assert second.python.exists()
    with pytest.raises(SetupError), packages.state.doing("spark4", "k"):
        raise SetupError
    packages.discard_broken_venv()
    assert not second.venv.exists()
    assert checkout.python.exists()


def test_it_needs_no_stand_in_of_npm(second: Checkout) -> None:
    steps = pending_steps(second, State(second.venv / "setup.json"), {"JAVA_HOME": "", "PATH": ""}, tests=True)
    assert [step.title for step in steps] == [
        "virtual environment",
        "Python packages",
        "this project",
        "Java 17",
        "Spark jars",
    ]


@pytest.mark.parametrize("named", [None, "another.xml"])
def test_its_jars_are_those_of_its_own_list(
    second: Checkout, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (second.spark_home / "jars").mkdir(parents=True)
    (second.spark_home / "jars" / "ivy-2.5.3.jar").touch()
    commands: list[list[str | Path]] = []
    monkeypatch.setattr("scripts.local_env.ivy.authorities", lambda *_: None)
    monkeypatch.setattr("scripts.local_env.ivy.run_logged", lambda command, **_: commands.append(command))
    other = second.root / named if named else None
    Ivy(second, {}, Path("/java"), lambda: None).fetch(second.local / "jars.incoming", other)
    (command,) = commands
    assert command[command.index("-ivy") + 1] == (other or second.jars_named)
    assert command[command.index("-settings") + 1] == second.root / "conf" / "spark" / "ivysettings.xml"
