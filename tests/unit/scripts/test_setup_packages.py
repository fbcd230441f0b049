import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.command import run_logged, tail
from scripts.local_env.errors import SetupError
from scripts.local_env.packages import Packages, runs
from scripts.local_env.state import State

REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements"


def pins(name: str) -> dict[str, str]:
    """The locked packages by name and marker, each with its whole entry."""
    entries = re.split(r"^(?=[a-z0-9])", (REQUIREMENTS / f"{name}.txt").read_text(), flags=re.MULTILINE | re.IGNORECASE)
    return {entry.split(" \\")[0].strip(): entry for entry in entries if entry.strip()}


@pytest.mark.parametrize("name", ["build", "run", "test", "java", "dashboard", "notebook"])
def test_every_package_is_pinned_and_has_a_hash(name: str) -> None:
    locked = pins(name)
    assert locked
    assert [pin for pin, entry in locked.items() if "==" not in pin or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["run", "dashboard", "notebook"])
def test_the_tests_packages_hold_all_the_others(name: str) -> None:
    # Whatever it is that a package is left out on: what needs it may differ.
    def versions(name: str) -> set[str]:
        return {re.sub(r" ;[^\n]*\\\n", " \\\n", entry) for entry in pins(name).values()}

    assert versions(name) <= versions("test")


@pytest.fixture
def make(checkout: Checkout) -> Callable[..., Packages]:
    """Packages of a checkout whose virtual environment starts, by a link to our own Python."""
    (checkout.root / "requirements").mkdir()
    for name in ("build", "run", "test", "java", "notebook"):
        checkout.requirements(name).write_text(name)
    checkout.python.parent.mkdir(parents=True)
    checkout.python.symlink_to(sys.executable)

    def make(*, tests: bool = False) -> Packages:
        return Packages(checkout, State(checkout.venv / "setup.json"), {}, tests)

    return make


def finish(packages: Packages, step: str, key: str) -> None:
    with packages.state.doing(step, key):
        pass


def locked_key(packages: Packages, name: str) -> str:
    # Finishing a step by its own key is what an installation does.
    return packages._locked_key(name)


def test_an_environment_for_tests_will_do_for_running(make: Callable[..., Packages]) -> None:
    packages = make()
    finish(packages, "test", locked_key(packages, "test"))
    assert make().locked_is_done()
    assert make(tests=True).locked_is_done()


def test_an_environment_for_running_will_not_do_for_tests(make: Callable[..., Packages]) -> None:
    packages = make()
    finish(packages, "run", locked_key(packages, "run"))
    assert make().locked_is_done()
    assert not make(tests=True).locked_is_done()


def test_what_a_command_needs_is_there_once_it_or_all_that_the_tests_need_is(make: Callable[..., Packages]) -> None:
    packages = make()
    finish(packages, "run", locked_key(packages, "run"))
    assert not make().extra_is_done("notebook")
    finish(packages, "notebook", locked_key(packages, "notebook"))
    assert make().extra_is_done("notebook")
    packages.state.reset()
    finish(packages, "test", locked_key(packages, "test"))
    assert make().extra_is_done("notebook")


@pytest.mark.parametrize("changed", ["build", "run"])
def test_a_changed_lock_file_is_installed_again(
    make: Callable[..., Packages], checkout: Checkout, changed: str
) -> None:
    packages = make()
    finish(packages, "run", locked_key(packages, "run"))
    checkout.requirements(changed).write_text("another version")
    assert not make().locked_is_done()


def test_a_whole_environment_is_kept(make: Callable[..., Packages], checkout: Checkout) -> None:
    finish(make(), "venv", str(checkout.venv))
    make().discard_broken_venv()
    assert checkout.python.exists()


@pytest.mark.parametrize("step", ["jars", "java", "npm"])
def test_an_environment_survives_what_goes_wrong_beside_it(
    make: Callable[..., Packages], checkout: Checkout, step: str
) -> None:
    packages = make()
    finish(packages, "venv", str(checkout.venv))
    with pytest.raises(SetupError), packages.state.doing(step, "k"):
        raise SetupError
    make().discard_broken_venv()
    assert checkout.python.exists()


@pytest.mark.parametrize("step", ["run", "test", "notebook", "project"])
def test_a_half_made_environment_goes(make: Callable[..., Packages], checkout: Checkout, step: str) -> None:
    packages = make()
    finish(packages, "venv", str(checkout.venv))
    with pytest.raises(SetupError), packages.state.doing(step, "k"):
        raise SetupError
    again = make()
    again.discard_broken_venv()
    assert not checkout.venv.exists()
    assert not again.venv_is_done()


def test_an_environment_of_a_checkout_that_was_moved_goes(make: Callable[..., Packages], checkout: Checkout) -> None:
    finish(make(), "venv", "/where/it/was/.venv")
    make().discard_broken_venv()
    assert not checkout.venv.exists()


def test_an_environment_whose_python_is_gone_goes(make: Callable[..., Packages], checkout: Checkout) -> None:
    finish(make(), "venv", str(checkout.venv))
    checkout.python.unlink()
    checkout.python.symlink_to("/nowhere/python3.11")
    assert not runs(checkout.python, checkout.venv)
    make().discard_broken_venv()
    assert not checkout.venv.exists()


@pytest.mark.parametrize(
    ("said", "survives"),
    [
        ("ERROR: No matching distribution found for nothing==1", True),
        ("Installing collected packages: one, two\nERROR: No space left on device", False),
    ],
)
def test_an_environment_survives_a_pip_that_did_not_get_to_installing(
    make: Callable[..., Packages], checkout: Checkout, said: str, survives: bool
) -> None:
    finish(make(), "venv", str(checkout.venv))
    checkout.python.unlink()
    checkout.python.write_text(f"#!/bin/sh\n[ \"$1\" = -c ] && exit 0\necho '{said}'\nexit 1\n")
    checkout.python.chmod(0o755)
    with pytest.raises(SetupError, match="could not be installed"):
        make().install_locked(lambda: None)
    again = make()
    again.discard_broken_venv()
    assert again.venv_is_done() is survives
    assert checkout.venv.exists() is survives


@pytest.mark.parametrize(
    "install",
    [Packages.install_locked, lambda packages, wait: packages.install_extra("notebook", wait), Packages.install_java],
)
def test_pip_takes_what_is_locked_and_looks_for_nothing_else(
    make: Callable[..., Packages],
    checkout: Checkout,
    tmp_path: Path,
    install: Callable[[Packages, Callable[[], None]], None],
) -> None:
    """Left to itself it looks for the newest of what is wanted with an extra, and then has no hash of it."""
    said = tmp_path / "said"
    checkout.python.unlink()
    checkout.python.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    checkout.python.chmod(0o755)
    install(make(), lambda: None)
    commands = said.read_text().splitlines()
    assert commands
    assert all("--require-hashes --no-deps" in command for command in commands)


def test_what_is_built_from_source_is_not_compressed(
    make: Callable[..., Packages], checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "setup.py").write_text("from setuptools import setup\nsetup(name='one', py_modules=['one'])\n")
    (tmp_path / "one.py").write_text("zeros = '" + 10_000 * "0" + "'\n")
    shutil.copy(REQUIREMENTS / "build.cfg", checkout.build_settings)
    # As pip has a wheel built, with what the setup gives to pip.
    checkout.python.unlink()
    checkout.python.write_text(f"#!/bin/sh\ncd {tmp_path} && exec {sys.executable} setup.py bdist_wheel\n")
    checkout.python.chmod(0o755)
    make().install_extra("notebook", lambda: None)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        [module] = [each for each in content.infolist() if each.filename == "one.py"]
    assert module.compress_type == zipfile.ZIP_STORED


def test_what_a_failing_command_said_is_in_the_error_and_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "setup.log"
    log.parent.mkdir()
    log.write_text("ERROR: of an earlier command\n")
    program = "import sys; print('ERROR: no matching distribution'); print('noise'); sys.exit(3)"
    with pytest.raises(SetupError) as raised:
        run_logged(
            [sys.executable, "-c", program], log=log, environ={}, on_wait=lambda: None, problem="nothing installed"
        )
    assert str(raised.value).splitlines()[0] == "ERROR: no matching distribution"
    assert "nothing installed" in str(raised.value)
    assert "noise" in log.read_text()
    assert "earlier" in log.read_text()


def test_a_command_that_works_raises_nothing_and_gets_its_environment(tmp_path: Path) -> None:
    log = tmp_path / "setup.log"
    program = "import os; print(os.environ['WORD'])"
    run_logged([sys.executable, "-c", program], log=log, environ={"WORD": "abc"}, on_wait=lambda: None, problem="")
    assert log.read_text() == "abc\n"


def test_without_an_error_line_the_last_lines_are_shown() -> None:
    assert tail("one\n\ntwo\nthree\n", lines=2) == "two\nthree"
    assert tail("ERROR: one\ntwo\n", lines=2) == "ERROR: one"
