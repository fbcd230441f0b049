"""One set of tests for both kinds of store: a disk, and S3 by a stand-in over the network."""

import itertools
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from faults.proxy import Answer, Call, Forward, Loss, Meddle, Proxy, pass_on
from jobs.storage import ConflictError, DiskStore, S3Store, Store, local_path, open_file, open_store, spark_path
from pricestream.errors import StorageError
from pricestream.job_settings import S3Settings


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return open_store(str(tmp_path / "lake"), S3Settings(), "us-east-1")
    endpoint = request.getfixturevalue("moto_url")
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


def test_the_files_of_one_folder_are_listed_by_their_whole_names(store: Store) -> None:
    for name in ("a/1", "a/b/2", "ab/3", "4"):
        store.write(name, b"x")
    assert set(store.list_keys("a")) == {"a/1", "a/b/2"}
    assert list(store.list_keys("c")) == []


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


@pytest.fixture
def troubled(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Meddle], S3Store]]:
    """A store whose calls are meddled with, and which tries again at once."""
    bucket = f"lake-{uuid.uuid4().hex}"
    boto3.client("s3", region_name="us-east-1", endpoint_url=moto_url).create_bucket(Bucket=bucket)
    for module in ("botocore.endpoint", "tenacity.nap"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(sleep=lambda _: None))
    with ExitStack() as proxies:

        def make(meddle: Meddle) -> S3Store:
            proxy = proxies.enter_context(Proxy(moto_url, meddle))
            return S3Store(bucket, "", proxy.url, path_style=True, region="us-east-1")

        yield make


def first(count: int, method: str, meddle: Meddle) -> Meddle:
    """Meddle with the first calls of a method."""
    left = itertools.count(count, -1)
    return lambda call, forward: meddle(call, forward) if call.method == method and next(left) > 0 else forward(call)


def lose_answer(call: Call, forward: Forward) -> Loss:
    forward(call)
    return Loss.ANSWER


def cut_body(call: Call, forward: Forward) -> Answer:
    answer = forward(call)
    whole = {"Content-Length": str(len(answer.body)), "Connection": "close"}
    return Answer(answer.status, answer.body[:3], {**answer.headers, **whole})


def test_a_write_whose_answer_was_lost_is_no_conflict(troubled: Callable[[Meddle], S3Store]) -> None:
    # boto3 sends it again, and S3 refuses it: what is there is not what was there before.
    store = troubled(first(1, "PUT", lose_answer))
    store.replace("f.csv", b"ours", version=None)
    assert store.read("f.csv") == b"ours"


def test_a_write_whose_answer_was_lost_gives_way_to_a_later_one(troubled: Callable[[Meddle], S3Store]) -> None:
    rival = troubled(pass_on)

    def lose_and_be_outrun(call: Call, forward: Forward) -> Loss:
        forward(call)
        rival.write("f.csv", b"a rival's")
        return Loss.ANSWER

    store = troubled(first(1, "PUT", lose_and_be_outrun))
    with pytest.raises(ConflictError):
        store.replace("f.csv", b"ours", version=None)
    assert store.read("f.csv") == b"a rival's"


def test_a_body_that_ends_too_soon_is_read_again(troubled: Callable[[Meddle], S3Store]) -> None:
    store = troubled(first(3, "GET", cut_body))
    store.write("f.csv", b"whole")
    assert store.read("f.csv") == b"whole"


def test_a_body_that_never_comes_whole_is_one_clear_line(troubled: Callable[[Meddle], S3Store]) -> None:
    store = troubled(first(99, "GET", cut_body))
    store.write("f.csv", b"whole")
    with pytest.raises(StorageError, match=r"s3://lake-[0-9a-f]+/f.csv: "):
        store.read("f.csv")


@pytest.mark.parametrize("status", [500, 503])
def test_a_service_that_is_overloaded_for_a_while_is_sat_out(
    troubled: Callable[[Meddle], S3Store], status: int
) -> None:
    for method in ("PUT", "HEAD", "GET"):
        store = troubled(first(8, method, lambda *_: Answer(status)))
        store.write("f.csv", b"x")
        assert (store.exists("f.csv"), store.read("f.csv")) == (True, b"x")


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


def test_a_bucket_that_is_not_there_is_one_clear_line(moto_url: str) -> None:
    store = open_store("s3://nowhere", S3Settings(endpoint_url=moto_url, path_style=True), "us-east-1")
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
