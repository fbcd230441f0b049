import os
from pathlib import Path

import pytest

import pricestream.atomic
from pricestream.atomic import make_folder, replace_file, write_json
from pricestream.errors import StorageError


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "f"
    replace_file(target, b"one")
    replace_file(target, b"two", durable=False)
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_crash_left_half_written_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / ".f.tmp").write_bytes(b"longer than what comes next")
    replace_file(tmp_path / "f", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file(tmp_path / "f", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(tmp_path / "f", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_state_is_json_and_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "state.json", {"calls": 3})
    assert (tmp_path / "state.json").read_text() == '{"calls": 3}'
    with pytest.raises(StorageError, match=r"none/state\.json: cannot be written: No such file or directory"):
        write_json(tmp_path / "none" / "state.json", {})


def test_the_name_of_each_new_folder_is_made_sure_of_in_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr(
        pricestream.atomic,
        "sync_folder",
        lambda folder: synced.append((folder, [each.name for each in folder.iterdir()])),
    )
    make_folder(tmp_path / "date=2026-01-05" / "hour=09")
    assert synced == [(tmp_path, ["date=2026-01-05"]), (tmp_path / "date=2026-01-05", ["hour=09"])]
    make_folder(tmp_path / "date=2026-01-05" / "hour=10")
    assert [folder.name for folder, _ in synced[2:]] == ["date=2026-01-05"]
    make_folder(tmp_path / "date=2026-01-05" / "hour=10")
    assert len(synced) == 3
