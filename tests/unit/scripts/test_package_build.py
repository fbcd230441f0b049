"""The artefact's bytes, with made-up pieces in place of what pip brings."""

import hashlib
import json
import os
import random
import stat
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.package_app.build import build
from scripts.package_app.errors import PackageError
from scripts.package_app.packages import Architecture, pip_install, wanted
from scripts.package_app.source import ENTRIES, Source

X86, ARM = Architecture.X86_64, Architecture.ARM64

SOURCE = Source(
    "1.2.3-0123456789ab",
    "0123456789ab" * 3 + "0123",
    # 2026-01-05T09:00:01Z; a zip counts in steps of two seconds.
    1_767_603_601,
    {
        **{f"jobs/{name}": f"# {name}\n".encode() for name in ENTRIES},
        "jobs/templates/page.html": b"<p>",
        "producer/b.py": b"",
        "setup.py": b"",
        "requirements/cluster.txt": b"a==1\n",
    },
)


def laid(architecture: Architecture) -> dict[str, bytes]:
    """What made-up packages consist of."""
    return {
        "a/__init__.py": b"x = 1\n",
        f"a/core.{architecture}.so": bytes(range(256)) * 40,
        "a/" + "long/" * 40 + "name.py": b"",
        "a-1.dist-info/METADATA": b"Name: a\n",
    }


#: What pip and wheels bring, and no artefact has: notes with paths of this machine, and what nobody reads there.
NOISE = [
    "a/__pycache__/__init__.cpython-311.pyc",
    "a-1.dist-info/RECORD",
    "a-1.dist-info/INSTALLER",
    "a-1.dist-info/REQUESTED",
    "a-1.dist-info/direct_url.json",
    "bin/a",
    "share/man/a.1",
    "pandas/tests/test_a.py",
    "pyarrow/libarrow_flight.so.2600",
    "pyarrow/include/a.h",
]


def install(lock: Path, architecture: Architecture, into: Path) -> None:
    """Lay made-up packages into a folder, in another order and with other times, modes and notes every time."""
    assert lock.read_bytes() == b"a==1\n"
    noise = {name: os.urandom(9) for name in NOISE}
    files = list((laid(architecture) | noise).items())
    random.shuffle(files)
    for name, data in files:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(data)
        os.utime(into / name, (time.time(), time.time() - 1e6))


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    before = os.umask(0o022)
    os.umask(before)

    def change(mask: int) -> None:
        os.umask(mask)

    yield change
    os.umask(before)


def make(out: Path, source: Source = SOURCE, *architectures: Architecture) -> Path:
    return build(source, architectures or (X86, ARM), install, out, lambda _: nullcontext())


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))}


def test_the_same_source_gives_the_same_bytes_wherever_and_by_whom(
    tmp_path: Path, umask: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    umask(0o022)
    first = content(make(tmp_path / "one"))
    umask(0o077)
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    reordered = replace(SOURCE, files=dict(reversed([*SOURCE.files.items()])))
    second = content(make(tmp_path / "another place" / "far below", reordered))
    monkeypatch.delenv("TZ")
    time.tzset()
    assert list(first) == sorted([*ENTRIES, "code.zip", "deps-arm64.tar.gz", "deps-x86_64.tar.gz", "manifest.json"])
    assert first == second
    assert not any(str(tmp_path).encode() in data for data in first.values())


def test_a_changed_file_changes_its_piece_and_the_manifest_and_nothing_else(tmp_path: Path) -> None:
    before = content(make(tmp_path / "one"))
    files = {**SOURCE.files, "producer/b.py": b"x = 1\n"}
    after = content(make(tmp_path / "two", replace(SOURCE, files=files)))
    assert [name for name in before if before[name] != after[name]] == ["code.zip", "manifest.json"]


def test_another_commit_of_the_same_lock_gives_the_same_packages(tmp_path: Path) -> None:
    before = content(make(tmp_path / "one"))
    after = content(make(tmp_path / "two", replace(SOURCE, version="9", committed_at=SOURCE.committed_at + 2)))
    assert [name for name in before if before[name] != after[name]] == ["code.zip", "manifest.json"]


def test_the_manifest_names_every_file_with_its_hash(tmp_path: Path) -> None:
    place = make(tmp_path)
    assert place == tmp_path / "pricestream-1.2.3-0123456789ab"
    manifest = json.loads((place / "manifest.json").read_text())
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content(place).items()}
    del hashes["manifest.json"]
    assert manifest == {
        "version": "1.2.3-0123456789ab",
        "commit": "0123456789ab0123456789ab0123456789ab0123",
        "committed_at": "2026-01-05T09:00:01+00:00",
        "python": "3.11",
        "files": hashes,
    }


def test_the_code_is_a_zip_that_python_imports_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make(tmp_path, replace(SOURCE, files={**SOURCE.files, "producer/b_only_here.py": b"x = 42\n"}))
    with zipfile.ZipFile(place / "code.zip") as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert {"jobs/templates/page.html", "jobs/stream_prices.py", "producer/b.py"} < set(names)
    assert not {"setup.py", "requirements/cluster.txt"} & set(names)
    assert {entry.date_time for entry in entries} == {(2026, 1, 5, 9, 0, 0)}
    assert {stat.filemode(entry.external_attr >> 16) for entry in entries} == {"-rw-r--r--"}
    monkeypatch.syspath_prepend(str(place / "code.zip" / "producer"))
    module = __import__("b_only_here")
    assert module.x == 42
    del sys.modules["b_only_here"]


def test_the_packages_are_a_folder_without_what_pip_leaves_behind(tmp_path: Path) -> None:
    place = make(tmp_path, SOURCE, ARM)
    with tarfile.open(place / "deps-arm64.tar.gz") as archive:
        members = archive.getmembers()
        held = {each.name: archive.extractfile(each).read() for each in members}  # type: ignore[union-attr]
    assert held == laid(ARM)
    assert list(held) == sorted(held)
    about = {(each.mode, each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members}
    assert about == {(0o644, 0, 0, "", "", 315_532_800)}


def test_one_kind_of_machine_alone_leaves_the_other_out(tmp_path: Path) -> None:
    both = content(make(tmp_path / "both"))
    one = content(make(tmp_path / "one", SOURCE, X86))
    assert sorted(one) == sorted(set(both) - {"deps-arm64.tar.gz"})
    assert one["deps-x86_64.tar.gz"] == both["deps-x86_64.tar.gz"]
    assert "deps-arm64.tar.gz" not in json.loads(one["manifest.json"])["files"]


def test_an_older_artefact_of_the_version_is_replaced_whole(tmp_path: Path) -> None:
    place = make(tmp_path)
    (place / "left over").touch()
    (place / "code.zip").write_bytes(b"damaged")
    fresh = content(make(tmp_path / "fresh"))
    assert content(make(tmp_path)) == fresh
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", place.name]


def test_one_that_fails_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    place = make(tmp_path)
    before = content(place)

    def fail(_: Path, __: Architecture, into: Path) -> None:
        into.mkdir()
        raise PackageError("no network")

    with pytest.raises(PackageError, match="no network"):
        build(SOURCE, (X86,), fail, tmp_path, lambda _: nullcontext())
    assert list(tmp_path.iterdir()) == [place]
    assert content(place) == before


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that pip may find: wheels of the package ``core`` for both machines, and of ``pure`` for any."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, tag in (
        ("pure", "py3-none-any"),
        ("core", "cp311-cp311-manylinux_2_28_x86_64"),
        ("core", "cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64"),
        # Newer than the systems there are.
        ("core", "cp311-cp311-manylinux_2_39_aarch64"),
        ("core", "cp312-cp312-manylinux_2_28_aarch64"),
    ):
        about = f"{name}-1.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1-{tag}.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", f"TAG = {tag!r}\n")
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            wheel.writestr(f"{about}/RECORD", f"{name}/__init__.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def locked(wheels: Path, lock: Path) -> Path:
    """Lock both packages with the hashes of all their wheels."""
    lines = []
    for name in ("core", "pure"):
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(wheels.glob(f"{name}-*"))]
        lines.append(" ".join([f"{name}==1", *(f"--hash=sha256:{each}" for each in hashes)]))
    lock.write_text("\n".join(lines))
    return lock


@pytest.mark.parametrize(
    ("architecture", "tag"),
    [(X86, "cp311-cp311-manylinux_2_28_x86_64"), (ARM, "cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64")],
)
def test_pip_takes_the_wheels_of_that_machine(
    wheels: Path, tmp_path: Path, architecture: Architecture, tag: str
) -> None:
    pip_install(tmp_path / "package.log")(locked(wheels, tmp_path / "lock.txt"), architecture, tmp_path / "into")
    assert (tmp_path / "into" / "core" / "__init__.py").read_text() == f"TAG = {tag!r}\n"
    assert sorted(wanted(tmp_path / "into")) == [
        "core-1.dist-info/METADATA",
        "core-1.dist-info/WHEEL",
        "core/__init__.py",
        "pure-1.dist-info/METADATA",
        "pure-1.dist-info/WHEEL",
        "pure/__init__.py",
    ]


def test_a_package_that_is_not_the_locked_one_is_refused_in_one_line(wheels: Path, tmp_path: Path) -> None:
    lock, log = locked(wheels, tmp_path / "lock.txt"), tmp_path / "logs" / "package.log"
    with (wheels / "pure-1-py3-none-any.whl").open("ab") as wheel:
        wheel.write(b"tampered")
    with pytest.raises(PackageError) as error:
        pip_install(log)(lock, ARM, tmp_path / "into")
    said = str(error.value)
    assert said.startswith("pip cannot get the packages for arm64: THESE PACKAGES DO NOT MATCH THE HASHES")
    assert said.endswith(f"; all of it is in {log}")
    assert "\n" not in said
    assert "pure" in log.read_text()


def test_a_package_without_a_wheel_for_the_machine_is_named(wheels: Path, tmp_path: Path) -> None:
    lock = locked(wheels, tmp_path / "lock.txt")
    (wheels / "core-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl").unlink()
    with pytest.raises(PackageError, match=r"cannot get the packages for arm64: .*core==1"):
        pip_install(tmp_path / "package.log")(lock, ARM, tmp_path / "into")
