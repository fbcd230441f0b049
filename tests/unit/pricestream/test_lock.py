import errno
import fcntl
import os
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from pricestream.errors import StorageError
from pricestream.lock import hold_folder, is_held

WORDS: dict[str, Any] = {"setting": "job.state", "holder": "backfill", "advice": "wait for its end"}


def test_a_folder_is_held_by_one_and_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_folder(tmp_path / "a" / "b", **WORDS) as folder:
            assert folder.is_dir()
            with pytest.raises(StorageError) as caught, hold_folder(folder, **WORDS):
                pass
        assert str(caught.value) == (
            f"job.state {folder}: another backfill (process {os.getpid()}) is using it; wait for its end"
        )


def test_whether_it_is_held_can_be_asked(tmp_path: Path) -> None:
    assert is_held(tmp_path) is None
    with hold_folder(tmp_path, **WORDS):
        assert is_held(tmp_path) is True
    assert is_held(tmp_path) is False


def test_who_only_asks_is_in_nobodys_way(tmp_path: Path) -> None:
    with hold_folder(tmp_path, **WORDS):
        pass
    descriptor = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    Timer(0.1, os.close, [descriptor]).start()
    with hold_folder(tmp_path, **WORDS):
        assert is_held(tmp_path)


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be used"), hold_folder(tmp_path / "file", **WORDS):
        pass


def test_a_full_disk_is_one_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", no_room)
        with (
            pytest.raises(StorageError, match="cannot be used: No space left on device"),
            hold_folder(tmp_path, **WORDS),
        ):
            pass
    with hold_folder(tmp_path, **WORDS):
        pass
