"""One set of tests for both kinds of store: a disk, and S3 by a stand-in over the network."""

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from jobs.storage import ConflictError, DiskStore, S3Store, Store, local_path, open_file, open_store, spark_path
from pricestream.errors import StorageError
from pricestream.job_settings import S3Settings


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return open_store(str(tmp_path / "lake"), S3Settings(), "us-east-1")
    endpoint = request.getfixturevalue("s3_endpoint")
    bucket = f"lake-{abs(hash(tmp_path.name))}"
    boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    return open_store(f"s3a://{bucket}/a/b/", S3Settings(endpoint_url=endpoint, path_style=True), "us-east-1")


def test_what_is_not_there_has_no_version_and_no_content(store: Store) -> None:
    assert store.version("x=1/f.csv") is None
    assert store.read("x=1/f.csv") is None
    assert not store.exists("x=1/f.csv")


def test_a_new_file_goes_in_where_there_is_none(store: Store) -> None:
    store.replace("x=1/f.csv", b"one", version=None)
    assert store.read("x=1/f.csv") == b"one"
    assert store.exists("x=1/f.csv")


def test_a_second_writer_that_also_saw_nothing_is_refused(store: Store) -> None:
    store.replace("f.csv", b"one", version=None)
    with pytest.raises(ConflictError):
        store.replace("f.csv", b"two", version=None)
    assert store.read("f.csv") == b"one"


def test_a_file_is_replaced_where_it_is_still_the_one_that_was_read(store: Store) -> None:
    store.replace("f.csv", b"one", version=None)
    store.replace("f.csv", b"two", version=store.version("f.csv"))
    assert store.read("f.csv") == b"two"


def test_an_older_never_goes_over_a_newer(store: Store) -> None:
    store.replace("f.csv", b"one", version=None)
    seen = store.version("f.csv")
    store.replace("f.csv", b"two", version=seen)
    with pytest.raises(ConflictError):
        store.replace("f.csv", b"outdated", version=seen)
    assert store.read("f.csv") == b"two"


def test_a_plain_write_asks_nothing(store: Store) -> None:
    store.write("status.json", b"1")
    store.write("status.json", b"2")
    assert store.read("status.json") == b"2"


def test_executors_can_be_sent_a_store(store: Store) -> None:
    copy: Store = pickle.loads(pickle.dumps(store))
    copy.write("f", b"x")
    assert store.read("f") == b"x"


def test_a_lock_can_be_taken_again_once_it_is_let_go(store: Store) -> None:
    for _ in range(2):
        with store.lock("publish"):
            pass


def test_a_file_is_removed_once_and_for_all(store: Store) -> None:
    store.write("x=1/f.csv", b"x")
    store.remove("x=1/f.csv")
    store.remove("x=1/f.csv")
    assert not store.exists("x=1/f.csv")


def test_every_file_is_listed(store: Store) -> None:
    assert list(store.list_keys()) == []
    names = {"x=1/y=1/f.csv", "x=1/y=2/f.csv", "f.csv"}
    for name in names:
        store.write(name, b"x")
    found = list(store.list_keys())
    assert (len(found), set(found)) == (len(names), names)


def test_s3_lists_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    where = {"Bucket": "b", "Prefix": "a/"}
    with Stubber(client) as stub:
        first = {"IsTruncated": True, "NextContinuationToken": "more", "Contents": [{"Key": "a/1"}]}
        stub.add_response("list_objects_v2", first, where)
        last = {"IsTruncated": False, "Contents": [{"Key": "a/2/a/3"}]}
        stub.add_response("list_objects_v2", last, {**where, "ContinuationToken": "more"})
        monkeypatch.setattr("jobs.storage._s3_client", lambda *_: client)
        assert list(S3Store("b", "a", None, False, "us-east-1").list_keys()) == ["1", "2/a/3"]


def test_hidden_files_are_not_listed(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.write("a/.f.csv.tmp", b"half")
    store.write("a/f.csv", b"whole")
    assert list(store.list_keys()) == ["a/f.csv"]


def test_a_folder_that_cannot_be_listed_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(StorageError, match="Permission denied"):
        list(DiskStore(tmp_path).list_keys())


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.write("a/f.csv", b"one")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["f.csv"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    store.write("f.csv", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"f.csv: No space left on device"):
        store.write("f.csv", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]
    assert store.read("f.csv") == b"old"


def test_a_bucket_that_is_not_there_is_one_clear_line(s3_endpoint: str) -> None:
    store = open_store("s3://nowhere", S3Settings(endpoint_url=s3_endpoint, path_style=True), "us-east-1")
    with pytest.raises(StorageError, match=r"s3://nowhere/f: .*NoSuchBucket"):
        store.write("f", b"x")


def lock(store: DiskStore) -> None:
    with store.lock("publish"):
        pass


@pytest.mark.parametrize("action", [lambda store: store.write("f", b"x"), lambda store: store.read("f"), lock])
def test_a_folder_that_cannot_be_is_one_clear_line(tmp_path: Path, action: Callable[[DiskStore], object]) -> None:
    (tmp_path / "file").write_text("x")
    store = DiskStore(tmp_path / "file" / "lake")
    with pytest.raises(StorageError, match=r"file.*: (Not a directory|File exists)$"):
        action(store)


def test_an_endpoint_that_is_no_url_is_one_clear_line() -> None:
    store = open_store("s3://lake", S3Settings(endpoint_url="127.0.0.1:5000"), "us-east-1")
    with pytest.raises(StorageError, match="Invalid endpoint"):
        store.write("f", b"x")


def test_paths() -> None:
    assert spark_path("s3a://b/k") == "s3a://b/k"
    assert spark_path("/lake/my bars") == "file:/lake/my bars"
    assert local_path("file:/lake/x") == Path("/lake/x")
    assert local_path("lake") == Path.cwd() / "lake"
    with pytest.raises(StorageError, match="neither a path"):
        local_path("hdfs://h/x")


def test_a_file_is_split_into_its_store_and_its_name() -> None:
    store, name = open_file("/lake/status.json", S3Settings(), "us-east-1")
    assert (store, name) == (DiskStore(Path("/lake")), "status.json")
