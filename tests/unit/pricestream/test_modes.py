"""Who may read what is on a disk: nobody else a process's state, and what is made for readers whom the umask lets."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.storage import open_store
from pricestream.job_settings import S3Settings
from pricestream.lock import hold_folder
from producer.spool import Spool
from producer.state import open_state


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o002, 0o027], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    chosen: int = request.param
    before = os.umask(chosen)
    yield chosen
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_process_s_state_is_its_user_s_alone(tmp_path: Path) -> None:
    state = tmp_path / "a" / "producer"
    with open_state(state, producer_id="p", stream="s") as folder, Spool(folder / "spool", 1e6):
        # The spool, the count of calls, the summary: all lies below it.
        assert mode(state) == 0o700
    with hold_folder(tmp_path / "backfill", setting="x", holder="backfill", advice="wait", is_private=True):
        assert mode(tmp_path / "backfill") == 0o700


def test_a_folder_that_several_users_share_follows_the_umask(umask: int, tmp_path: Path) -> None:
    with hold_folder(tmp_path / "checkpoint", setting="x", holder="job", advice="wait"):
        assert mode(tmp_path / "checkpoint") == 0o777 & ~umask


def test_a_folder_that_is_there_keeps_the_mode_that_somebody_gave_it(tmp_path: Path) -> None:
    (tmp_path / "producer").mkdir()
    (tmp_path / "producer").chmod(0o750)
    with open_state(tmp_path / "producer", producer_id="p", stream="s"):
        assert mode(tmp_path / "producer") == 0o750


def test_files_for_readers_follow_the_umask(umask: int, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "csv"), S3Settings(), "us-east-1")
    store.write("hour=09/bars.csv", b"a\n")
    assert mode(tmp_path / "csv" / "hour=09" / "bars.csv") == 0o666 & ~umask
    assert mode(tmp_path / "csv" / "hour=09") == 0o777 & ~umask
