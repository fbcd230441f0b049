"""Who may commit while another process does. A second open file is to the system's lock what a second process is."""

import threading
from pathlib import Path

import pytest

from jobs.storage import DiskStore
from jobs.turn import turn


def try_lock(table: Path) -> bool:
    """Tell whether another process would be given the lock at once."""
    is_held = threading.Event()

    def hold() -> None:
        with DiskStore(table).lock("commit"):
            is_held.set()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    return is_held.wait(0.2)


def test_another_process_waits_for_its_turn(tmp_path: Path) -> None:
    table, is_begun = tmp_path / "ticks", threading.Event()

    def commit() -> None:
        with turn(str(table)):
            is_begun.set()

    with DiskStore(table).lock("commit"):
        thread = threading.Thread(target=commit)
        thread.start()
        assert not is_begun.wait(0.2)
    assert is_begun.wait(10)
    thread.join(10)


@pytest.mark.parametrize("prefix", ["", "file:"])
def test_it_is_held_against_other_processes_until_the_last_thread_has_ended(tmp_path: Path, prefix: str) -> None:
    table, is_begun, may_end = tmp_path / "ticks", threading.Event(), threading.Event()

    def commit() -> None:
        with turn(str(table)):
            is_begun.set()
            may_end.wait(10)

    thread = threading.Thread(target=commit)
    with turn(f"{prefix}{table}"):
        thread.start()
        # The threads of one process do not wait for each other.
        assert is_begun.wait(10)
    assert not try_lock(table)
    may_end.set()
    thread.join(10)
    assert try_lock(table)


def test_it_is_given_back_where_a_commit_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), turn(str(tmp_path / "ticks")):
        raise RuntimeError("conflict")
    assert try_lock(tmp_path / "ticks")


def test_each_table_has_its_own(tmp_path: Path) -> None:
    with turn(str(tmp_path / "ticks")):
        assert try_lock(tmp_path / "bars")


def test_off_the_disk_there_is_nothing_to_hold() -> None:
    with turn("s3a://lake/ticks"), turn("s3://lake/ticks"), turn("hdfs://lake/ticks"):
        pass
