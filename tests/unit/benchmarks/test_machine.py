"""The cores that a program may use."""

import subprocess
import sys

import pytest

from benchmarks.machine import cores, few_cores

_COUNT = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]


@pytest.mark.skipif(cores() < 2, reason="there is one core")
def test_what_is_started_has_few_cores_and_what_is_not_has_all_again() -> None:
    before = cores()
    with few_cores(1):
        assert cores() == 1
        assert subprocess.check_output(_COUNT) == b"1\n"
    assert cores() == before
    with few_cores(None):
        assert cores() == before
