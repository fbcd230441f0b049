import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.jars import Jars, mismatches, read_lock, write_lock
from scripts.local_env.state import State

CONF = Path(__file__).resolve().parents[3] / "conf" / "spark"

# The examples of the standard (FIPS 180).
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_jar_that_is_named_is_locked_and_no_other() -> None:
    dependencies = ET.parse(CONF / "jars.xml").getroot().iter("dependency")
    named = {f"{each.get('name')}-{each.get('rev')}.jar" for each in dependencies}
    assert set(read_lock(CONF / "jars.sha256")) == named


def test_no_jar_is_named_that_spark_has_already() -> None:
    def artifact(name: str) -> str:
        return re.sub(r"-\d.*", "", name)

    own = {artifact(path.name) for path in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
    assert own
    assert not own & {artifact(name) for name in read_lock(CONF / "jars.sha256")}


def test_nothing_is_pulled_in_behind_a_jar() -> None:
    dependencies = list(ET.parse(CONF / "jars.xml").getroot().iter("dependency"))
    assert {each.get("transitive") for each in dependencies} == {"false"}


def test_a_lock_is_written_as_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.jar").write_bytes(b"abc")
    (tmp_path / "a.jar").write_bytes(b"")
    lock = tmp_path / "jars.sha256"
    write_lock(lock, tmp_path)
    assert lock.read_text() == f"{EMPTY}  a.jar\n{ABC}  b.jar\n"
    assert read_lock(lock) == {"a.jar": EMPTY, "b.jar": ABC}


def test_missing_and_changed_jars_are_named(tmp_path: Path) -> None:
    (tmp_path / "right.jar").write_bytes(b"abc")
    (tmp_path / "wrong.jar").write_bytes(b"abcd")
    wanted = {"right.jar": ABC, "wrong.jar": ABC, "missing.jar": ABC}
    assert mismatches(tmp_path, wanted) == ["wrong.jar", "missing.jar"]


@dataclass
class Central:
    """Brings what it is told to, as Maven Central would."""

    holds: dict[str, bytes]
    asked: int = 0

    def fetch(self, into: Path) -> None:
        self.asked += 1
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        for name, content in self.holds.items():
            (into / name).write_bytes(content)


@pytest.fixture
def jars(checkout: Checkout) -> Jars:
    checkout.jars_lock.parent.mkdir(parents=True)
    checkout.jars_lock.write_text(f"{ABC}  a.jar\n")
    return Jars(checkout, State(checkout.venv / "setup.json"))


def test_jars_are_fetched_once_and_jars_of_an_older_lock_go(checkout: Checkout, jars: Jars) -> None:
    checkout.jars.mkdir(parents=True)
    (checkout.jars / "old-1.0.jar").write_bytes(b"two versions on one class path")
    central = Central({"a.jar": b"abc"})
    assert not jars.is_done()
    jars.bring(central.fetch)
    assert jars.is_done()
    assert [path.name for path in checkout.jars.iterdir()] == ["a.jar"]
    jars.bring(central.fetch)
    assert central.asked == 1


def test_a_jar_that_is_not_the_locked_one_is_refused_and_not_used(checkout: Checkout, jars: Jars) -> None:
    with pytest.raises(SetupError, match=r"a\.jar"):
        jars.bring(Central({"a.jar": b"something else"}).fetch)
    assert not list(checkout.jars.glob("*.jar"))
    assert not jars.is_done()


def test_a_jar_that_was_changed_is_fetched_again(checkout: Checkout, jars: Jars) -> None:
    checkout.jars.mkdir(parents=True)
    (checkout.jars / "a.jar").write_bytes(b"half of a j")
    jars.bring(Central({"a.jar": b"abc"}).fetch)
    assert (checkout.jars / "a.jar").read_bytes() == b"abc"


def test_a_jar_that_was_deleted_is_noticed(checkout: Checkout, jars: Jars) -> None:
    jars.bring(Central({"a.jar": b"abc"}).fetch)
    (checkout.jars / "a.jar").unlink()
    assert not jars.is_done()
