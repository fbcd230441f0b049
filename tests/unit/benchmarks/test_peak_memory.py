"""The most that a program kept in memory, also of what it has given back."""

import subprocess
import sys

from benchmarks.peak_memory import PeakMemory

#: A child of it takes 100 MiB for two seconds.
_PROGRAM = """
import os, subprocess, sys
child = "import os, time; held = bytearray(os.urandom(2**20)) * 100; time.sleep(2)"
subprocess.run([sys.executable, "-c", child], check=True)
print("given back", flush=True)
sys.stdin.read()
"""


def test_the_peak_is_of_all_processes_and_stays() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        with PeakMemory(program.pid) as memory:
            assert program.stdout.readline() == b"given back\n"
        program.stdin.close()
    assert 100 < memory.mib < 180
