import os
from pathlib import Path

import pytest

from pricestream.errors import StorageError
from pricestream.lock import hold_folder

WORDS = {"setting": "job.state", "holder": "backfill", "advice": "wait for its end"}


def test_a_folder_is_held_by_one_and_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_folder(tmp_path / "a" / "b", **WORDS) as folder:
            assert folder.is_dir()
            with pytest.raises(StorageError) as caught, hold_folder(folder, **WORDS):
                pass
        assert str(caught.value) == (
            f"job.state {folder}: another backfill (process {os.getpid()}) is using it; wait for its end"
        )


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be used"), hold_folder(tmp_path / "file", **WORDS):
        pass
