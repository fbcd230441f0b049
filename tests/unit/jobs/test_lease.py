"""One job at a time on a checkpoint."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.checkpoint import Checkpoint
from jobs.lease import Lease, hold_checkpoint
from jobs.storage import ConflictError, DiskStore
from pricestream.errors import StorageError


def nothing() -> None:
    """Let nothing happen."""


class Object:
    """Stands for S3 here: files, of which nobody holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._files = DiskStore(folder)
        self.read, self.remove = self._files.read, self._files.remove
        self.lost_answers = 0
        self.before_a_write = nothing

    def version(self, key: str) -> str | None:
        return self._files.version(key)

    def replace(self, key: str, data: bytes, *, version: str | None) -> None:
        self.before_a_write()
        self._files.replace(key, data, version=version)
        if self.lost_answers:
            self.lost_answers -= 1
            # The client tries again what has gone through, and is refused.
            raise ConflictError(key)


@dataclass
class Watch:
    """Sleeps in no time, and lets something happen at one of the sleeps."""

    at: int
    do: object
    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.at:
            self.do()  # type: ignore[operator]


def held(store: Object) -> Lease:
    lease = Lease(store, "s3://lake/checkpoint", _holder="process 1 on a")
    lease.take()
    return lease


def test_a_free_checkpoint_is_taken_at_once(tmp_path: Path) -> None:
    watch = Watch(0, nothing)
    Lease(Object(tmp_path), "c", sleep=watch).take()
    assert watch.slept == []
    assert (tmp_path / "lease.json").exists()


def test_a_second_job_is_refused_while_the_first_renews(tmp_path: Path) -> None:
    """
    first    |renew . . . . . . |renew
    second      looks  looks  looks  refused
    """
    store = Object(tmp_path)
    first = held(store)
    watch = Watch(3, first.renew)
    with pytest.raises(StorageError) as error:
        Lease(store, "s3://lake/checkpoint", sleep=watch).take()
    assert str(error.value) == (
        "checkpoint s3://lake/checkpoint: another job (process 1 on a) is using it; stop it first, or set "
        "job.checkpoint to a folder of its own"
    )
    assert watch.slept == [5.0] * 3
    first.renew()


def test_one_that_is_silent_for_half_a_minute_is_followed_and_finds_out(tmp_path: Path) -> None:
    store = Object(tmp_path)
    first = held(store)
    watch = Watch(0, nothing)
    Lease(store, "c", sleep=watch, _holder="process 2 on b").take()
    assert sum(watch.slept) == 30.0
    with pytest.raises(ConflictError):
        first.renew()


def test_one_that_ends_while_another_waits_lets_it_in(tmp_path: Path) -> None:
    store = Object(tmp_path)
    first = held(store)
    watch = Watch(2, first.give_back)
    Lease(store, "c", sleep=watch).take()
    assert len(watch.slept) == 2


def test_two_that_take_at_the_same_moment_are_one(tmp_path: Path) -> None:
    store = Object(tmp_path)
    first = held(store)
    other = Lease(store, "c", _holder="process 3 on c", _version=first._version)

    def takes() -> None:
        store.before_a_write = nothing
        other.renew()

    store.before_a_write = takes
    with pytest.raises(StorageError, match="another job has just taken it"):
        Lease(store, "c", sleep=Watch(0, nothing)).take()
    other.renew()


def test_a_lost_answer_to_a_renewal_is_no_takeover(tmp_path: Path) -> None:
    store = Object(tmp_path)
    lease = held(store)
    store.lost_answers = 1
    lease.renew()
    lease.renew()
    assert not lease.is_lost


def test_a_job_whose_lease_is_taken_is_asked_to_stop(tmp_path: Path) -> None:
    store, stopping = Object(tmp_path), threading.Event()

    def run() -> None:
        with hold_checkpoint(Checkpoint(store, "c"), stopping, patience_seconds=0.06):  # type: ignore[arg-type]
            store.replace("lease.json", b"someone else's", version=store.version("lease.json"))
            assert stopping.wait(10)

    with pytest.raises(StorageError, match="another job took it over"):
        run()
    assert store.read("lease.json") == b"someone else's"


def test_the_lease_is_given_back_at_the_end(tmp_path: Path) -> None:
    store = Object(tmp_path)
    with hold_checkpoint(Checkpoint(store, "c"), threading.Event()):  # type: ignore[arg-type]
        assert (tmp_path / "lease.json").exists()
    assert not (tmp_path / "lease.json").exists()


def test_on_a_disk_the_second_is_refused_at_once(tmp_path: Path) -> None:
    checkpoint = Checkpoint(DiskStore(tmp_path), str(tmp_path))
    refusal = pytest.raises(StorageError, match=r"another job \(process [0-9]+\) is using it; stop it first")
    with hold_checkpoint(checkpoint, threading.Event()), refusal, hold_checkpoint(checkpoint, threading.Event()):
        pass
    with hold_checkpoint(checkpoint, threading.Event()):
        pass
