"""The artefact: found, whole, and uploaded once."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.platform.errors import PlatformError
from scripts.submit_app.artefact import find_artefact, upload
from tests.support.submit_site import Aws, json_error, make_artefact, platform


@pytest.fixture
def aws(moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with platform(moto_url, tmp_path, "cluster", monkeypatch) as made:
        yield made


def puts(aws: Aws) -> list[str]:
    return [name.rpartition("/")[2].partition("?")[0] for name, _ in aws.requests if name.startswith("PUT")]


def test_the_newest_is_taken_unless_one_is_named(tmp_path: Path) -> None:
    older = make_artefact(tmp_path, "2")
    make_artefact(tmp_path, "1")
    os.utime(older / "manifest.json", (1_000, 1_000))
    assert find_artefact(tmp_path, None, "arm64").version == "1"
    assert find_artefact(tmp_path, older, "arm64").folder == older


def test_where_there_is_none_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"no artefact in .*; make it with ./scripts/package, or give --package"):
        find_artefact(tmp_path, None, "arm64")
    with pytest.raises(PlatformError, match=r"manifest.json: No such file or directory; make it with"):
        find_artefact(tmp_path, tmp_path / "nowhere", "arm64")


@pytest.mark.parametrize("name", ["code.zip", "deps-arm64.tar.gz", "deps-x86_64.tar.gz", "stream_prices.py"])
def test_a_file_that_is_not_what_it_was_is_refused(tmp_path: Path, name: str) -> None:
    folder = make_artefact(tmp_path, "1")
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(PlatformError, match=f"{name}: is not what manifest.json says"):
        find_artefact(tmp_path, None, "arm64")


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    (make_artefact(tmp_path, "1") / "code.zip").unlink()
    with pytest.raises(PlatformError, match=r"code.zip: is not what manifest.json says"):
        find_artefact(tmp_path, None, "arm64")


def test_one_for_other_machines_is_refused(tmp_path: Path) -> None:
    folder = make_artefact(tmp_path, "1")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["deps-arm64.tar.gz"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PlatformError, match=r"has no deps-arm64.tar.gz; make it with"):
        find_artefact(tmp_path, None, "arm64")
    assert find_artefact(tmp_path, None, "x86_64").version == "1"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("no json", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": "1"}', "is damaged"),
        ('{"version": "1", "files": 7}', "is damaged"),
        ('{"version": "../x", "files": {}}', "cannot be used"),
        ('{"version": "1 --jars=x", "files": {}}', "cannot be used"),
        ('{"version": 1, "files": {}}', "cannot be used"),
        ('{"version": "1", "files": {"../../etc/passwd": ""}}', "cannot be used"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(tmp_path: Path, manifest: str, said: str) -> None:
    (make_artefact(tmp_path, "1") / "manifest.json").write_text(manifest)
    with pytest.raises(PlatformError, match=said):
        find_artefact(tmp_path, None, "arm64")


def test_the_manifest_goes_last_and_an_upload_that_broke_off_goes_on(aws: Aws) -> None:
    site, artefact = aws.site(), find_artefact(aws.dist, None, "arm64")
    aws.instead["PUT /"] = lambda call: json_error("Broken") if "deps-x86_64" in call.path else None
    with pytest.raises(PlatformError, match=r"cannot upload deps-x86_64.tar.gz to s3://.*"):
        upload(site, artefact)
    assert aws.get("app/0.1.0-aaaa/manifest.json") is None
    aws.instead.clear()
    aws.requests.clear()
    upload(site, artefact)
    assert puts(aws) == ["deps-x86_64.tar.gz", "maintain_tables.py", "stream_prices.py", "manifest.json"]
    aws.requests.clear()
    upload(site, artefact)
    assert puts(aws) == []
    content = (artefact.folder / "deps-arm64.tar.gz").read_bytes()
    assert aws.get("app/0.1.0-aaaa/deps-arm64.tar.gz") == content


def test_a_version_that_is_there_never_changes(aws: Aws, tmp_path: Path) -> None:
    site = aws.site()
    upload(site, find_artefact(aws.dist, None, "arm64"))
    before = aws.get("app/0.1.0-aaaa/code.zip")
    other = make_artefact(tmp_path / "other", "0.1.0-aaaa", "otherwise")
    with pytest.raises(PlatformError, match=r"is another file than that in .*; commit what was changed"):
        upload(site, find_artefact(other.parent, None, "arm64"))
    assert aws.get("app/0.1.0-aaaa/code.zip") == before
