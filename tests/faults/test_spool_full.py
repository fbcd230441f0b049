import errno
import os
from pathlib import Path
from random import Random

import pytest

from faults.drill import Task
from faults.spool_full import DRILL, FullDisk, resize, small_filesystem


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    outcome = DRILL.run(Task(tmp_path, DRILL.short, Random(2)))
    assert outcome.holds, outcome.broken
    # The first start meets it at least once, the second too.
    assert outcome.counts["writes without room"] >= 2
    assert outcome.counts["records on the stream"] > 400


def test_a_full_disk_takes_a_part_of_a_write_and_nothing_after_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with FullDisk(tmp_path, write=2):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        assert os.write(descriptor, b"first ") == 6
        for _ in range(2):
            with pytest.raises(OSError, match="No space left") as caught:
                os.write(descriptor, b"second")
            assert caught.value.errno == errno.ENOSPC
        os.close(descriptor)
    assert path.read_bytes() == b"first sec"


def test_a_small_filesystem_is_really_full(tmp_path: Path) -> None:
    with small_filesystem(tmp_path / "small", 4_096 * 4) as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount a filesystem here")
        path = tmp_path / "small" / "file"
        with pytest.raises(OSError, match="No space left"):
            path.write_bytes(bytes(100_000))
        resize(tmp_path / "small", 1_000_000)
        assert path.write_bytes(bytes(100_000)) == 100_000
    assert not path.exists()
