import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dashboard.places import open_small_file, open_tree
from dashboard.tree import SmallFile, Tree
from dashboard.tree_s3 import S3Tree
from pricestream.errors import StorageError
from pricestream.job_settings import S3Settings

S3_ROOT = "s3://dashboard-tree/lake"


class Place:
    """A folder that a test writes to, on a disk or on S3."""

    def __init__(self, root: str, url: str) -> None:
        self.root = root
        self.settings = S3Settings(endpoint_url=url, path_style=True)
        self._client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")

    def put(self, key: str, data: bytes) -> None:
        if self.root.startswith("s3:"):
            self._client.put_object(Bucket="dashboard-tree", Key=f"lake/{key}", Body=data)
        else:
            path = Path(self.root, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            # As the job replaces a file: a new one takes the name.
            scratch = path.with_name(".scratch")
            scratch.write_bytes(data)
            scratch.replace(path)

    def tree(self) -> Tree:
        return open_tree(f"{self.root}/csv", self.settings, "us-east-1")

    def status(self) -> SmallFile:
        return open_small_file(f"{self.root}/status.json", self.settings, "us-east-1")


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, moto_url: str, tmp_path: Path) -> Iterator[Place]:
    client = boto3.client("s3", endpoint_url=moto_url, region_name="us-east-1")
    client.create_bucket(Bucket="dashboard-tree")
    yield Place(str(tmp_path) if request.param == "disk" else S3_ROOT, moto_url)
    for each in client.list_objects_v2(Bucket="dashboard-tree").get("Contents", []):
        client.delete_object(Bucket="dashboard-tree", Key=each["Key"])
    client.delete_bucket(Bucket="dashboard-tree")


def key(interval: str, date: str, hour: str = "00") -> str:
    return f"interval={interval}/date={date}/hour={hour}/bars.csv"


def test_an_empty_place_has_nothing(place: Place) -> None:
    tree = place.tree()
    assert (tree.intervals(), tree.dates("1m"), tree.files("1m", "2026-01-01"), tree.read("x")) == ([], [], [], None)
    assert place.status().read() is None


def test_files_are_listed_from_a_date_on_and_read(place: Place) -> None:
    for each in (
        key("1m", "2026-01-05", "09"),
        key("1m", "2026-01-04", "23"),
        key("1m", "2026-01-03"),
        key("1h", "2026-01-05"),
    ):
        place.put(f"csv/{each}", each.encode())
    tree = place.tree()
    assert sorted(tree.intervals()) == ["1h", "1m"]
    assert tree.dates("1m") == ["2026-01-03", "2026-01-04", "2026-01-05"]
    marks = tree.files("1m", "2026-01-04")
    assert [(mark.date, mark.hour) for mark in marks] == [("2026-01-04", 23), ("2026-01-05", 9)]
    assert [tree.read(mark.key) for mark in marks] == [mark.key.encode() for mark in marks]
    assert [mark.size for mark in marks] == [len(mark.key) for mark in marks]


def test_a_replaced_file_of_the_same_length_has_another_version(place: Place) -> None:
    versions = []
    for data in (b"one", b"two"):
        place.put(f"csv/{key('1m', '2026-01-05')}", data)
        versions += [mark.version for mark in place.tree().files("1m", "2026-01-01")]
    assert len(set(versions)) == 2


@pytest.mark.parametrize(
    "name",
    ["interval=7m/date=2026-01-05/hour=00/bars.csv", "interval=1m/date=2026-13-45/hour=00/bars.csv",
     "interval=1m/date=2026-01-05/hour=24/bars.csv", "interval=1m/date=2026-01-05/hour=00/other.csv",
     "interval=1m/date=2026-01-05/bars.csv", "interval=1m/_SUCCESS", "interval=0m/date=2026-01-05/hour=00/bars.csv",
     "interval=99999999999d/date=2026-01-05/hour=00/bars.csv", "notes.txt"],
)  # fmt: skip
def test_other_names_are_none_of_ours(place: Place, name: str) -> None:
    place.put(f"csv/{name}", b"x")
    tree = place.tree()
    assert [mark for interval in tree.intervals() for mark in tree.files(interval, "0001-01-01")] == []


def test_the_status_says_when_it_was_written(place: Place) -> None:
    before = time.time() - 1.1
    place.put("status.json", b"{}")
    said = place.status().read()
    assert said is not None
    assert said.data == b"{}"
    assert before * 1000 <= said.written_ms <= time.time() * 1000


def test_more_than_a_page_of_objects_is_listed() -> None:
    client = boto3.client("s3", region_name="us-east-1")
    keys = [key("1m", "2026-01-05", "09"), key("1m", "2026-01-05", "10")]
    pages: list[dict[str, Any]] = [
        {"Contents": [{"Key": f"csv/{each}", "ETag": '"x"', "Size": 1}], "IsTruncated": each == keys[0]}
        for each in keys
    ]
    pages[0]["NextContinuationToken"] = "more"
    asked = {"Bucket": "b", "Prefix": "csv/interval=1m/", "StartAfter": "csv/interval=1m/date=2026-01-01"}
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", pages[0], asked)
        stub.add_response("list_objects_v2", pages[1], {**asked, "ContinuationToken": "more"})
        assert [mark.key for mark in S3Tree(client, "b", "csv").files("1m", "2026-01-01")] == keys


def test_a_bucket_that_is_not_there_is_told_in_one_line(moto_url: str) -> None:
    tree = open_tree("s3://no-such-bucket/csv", S3Settings(endpoint_url=moto_url, path_style=True), "us-east-1")
    for ask in (tree.intervals, lambda: tree.files("1m", "2026-01-01")):
        with pytest.raises(StorageError, match=r"s3://no-such-bucket/.*does not exist") as raised:
            ask()
        assert "\n" not in str(raised.value)


def test_a_folder_that_may_not_be_read_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    # A test that runs as root may read everything.
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StorageError, match=f"^{tmp_path}: Permission denied$"):
        open_tree(str(tmp_path), S3Settings(), "us-east-1").intervals()


def test_a_file_in_the_place_of_a_folder_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "csv").write_text("no folder")
    assert open_tree(str(tmp_path / "csv"), S3Settings(), "us-east-1").intervals() == []
