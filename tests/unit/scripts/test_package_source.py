"""What git holds, and when it is refused."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.package_app.errors import PackageError
from scripts.package_app.source import ENTRIES, read_source

#: 2026-01-05T09:00:01Z.
COMMITTED_AT = 1_767_603_601
Git = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project, as git has it and as a checkout has it."""
    root = tmp_path / "a project"
    files = {f"jobs/{name}": f"# {name}\n" for name in ENTRIES} | {
        "jobs/templates/page.html": "<p>\r\n",
        "pricestream/__init__.py": "",
        "producer/ü.py": "x = 1\n",
        "setup.py": 'setup(\n    name="p",\n    version="1.2.3",\n)\n',
        "requirements/cluster.txt": "a==1\n",
        "docs/page.md": "no code\n",
        ".gitignore": "__pycache__/\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    run_git(root, "init", "-q")
    commit(root)
    return root


def run_git(root: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {f"GIT_{role}_DATE": f"{COMMITTED_AT} +0530" for role in ("AUTHOR", "COMMITTER")}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=os.environ | who | dates, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path) -> str:
    run_git(root, "add", "--all")
    run_git(root, "commit", "-q", "-m", "x")
    return run_git(root, "rev-parse", "HEAD")


def test_a_commit_is_read_byte_for_byte(project: Path) -> None:
    run_git(project, "config", "core.autocrlf", "true")
    commit_id = run_git(project, "rev-parse", "HEAD")
    source = read_source(project)
    assert source.commit == commit_id
    assert source.version == f"1.2.3-{commit_id[:12]}"
    assert source.committed_at == COMMITTED_AT
    assert sorted(source.code) == sorted(
        [
            *(f"jobs/{name}" for name in ENTRIES),
            "jobs/templates/page.html",
            "pricestream/__init__.py",
            "producer/ü.py",
        ]
    )
    assert source.code["jobs/templates/page.html"] == b"<p>\r\n"
    assert source.code["pricestream/__init__.py"] == b""
    assert source.entries["stream_prices.py"] == b"# stream_prices.py\n"
    assert source.files["requirements/cluster.txt"] == b"a==1\n"


@pytest.mark.parametrize("name", ["jobs/stream_prices.py", "jobs/new.py", "requirements/cluster.txt", "setup.py"])
def test_what_is_not_committed_is_refused_and_named(project: Path, name: str) -> None:
    with (project / name).open("a") as file:
        file.write("# more\n")
    with pytest.raises(PackageError) as error:
        read_source(project)
    assert str(error.value) == f"not committed: {name}; commit it, or give --dirty to package it as it is"


def test_a_deleted_file_is_refused_and_left_out_of_a_dirty_one(project: Path) -> None:
    (project / "producer" / "ü.py").unlink()
    with pytest.raises(PackageError, match=r"not committed: producer/ü\.py; "):
        read_source(project)
    assert "producer/ü.py" not in read_source(project, dirty=True).code


def test_of_many_a_few_are_named(project: Path) -> None:
    for number in range(5):
        (project / "jobs" / f"{number}.py").touch()
    with pytest.raises(PackageError, match=r"not committed: jobs/0.py, jobs/1.py, jobs/2.py and 2 more; "):
        read_source(project)


def test_what_the_artefact_does_not_hold_may_be_uncommitted(project: Path) -> None:
    before = read_source(project)
    (project / "docs" / "page.md").write_text("changed")
    (project / "jobs" / "__pycache__").mkdir()
    (project / "jobs" / "__pycache__" / "a.pyc").touch()
    assert read_source(project) == before


def test_a_dirty_version_names_its_content(project: Path) -> None:
    clean = read_source(project)
    assert read_source(project, dirty=True) == clean
    versions = []
    for text in ("# a\n", "# b\n", "# a\n"):
        (project / "jobs" / "new.py").write_text(text)
        source = read_source(project, dirty=True)
        assert source.code["jobs/new.py"] == text.encode()
        versions.append(source.version)
    assert versions[0].startswith(f"{clean.version}-dirty-")
    assert versions[0] == versions[2] != versions[1]


def test_a_commit_changes_the_version(project: Path) -> None:
    before = read_source(project)
    (project / "docs" / "page.md").write_text("changed")
    commit_id = commit(project)
    after = read_source(project)
    assert after.version == f"1.2.3-{commit_id[:12]}" != before.version
    assert after.files == before.files


def test_without_git_it_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.setattr("scripts.package_app.git._ENVIRON", {"PATH": str(project)})
    with pytest.raises(PackageError, match="git is not on PATH; install it"):
        read_source(project)


def test_outside_a_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"^git cannot read the commit of .*: .*not a git repository"):
        read_source(tmp_path)


def test_without_a_commit_it_says_so(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    with pytest.raises(PackageError, match=r"^git cannot read the commit of "):
        read_source(tmp_path)


def test_another_project_is_refused(project: Path) -> None:
    run_git(project, "rm", "-q", "jobs/audit_prices.py", "requirements/cluster.txt")
    commit(project)
    with pytest.raises(PackageError, match=r"has no requirements/cluster.txt, jobs/audit_prices.py; "):
        read_source(project)


def test_a_link_is_refused(project: Path) -> None:
    (project / "jobs" / "link.py").symlink_to("stream_prices.py")
    commit(project)
    with pytest.raises(PackageError, match=r"jobs/link\.py is a link or another repository"):
        read_source(project)


def test_a_git_hook_does_not_lead_elsewhere(project: Path, tmp_path: Path) -> None:
    # In a process of its own: the environment is read as the module is loaded.
    script = "import sys; from pathlib import Path; from scripts.package_app.source import read_source; "
    script += "print(read_source(Path(sys.argv[1])).commit)"
    done = subprocess.run(
        ["python", "-c", script, str(project)],
        cwd=Path(__file__).resolve().parents[3],
        env=os.environ | {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_INDEX_FILE": "nowhere"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == run_git(project, "rev-parse", "HEAD")
