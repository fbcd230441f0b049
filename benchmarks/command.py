"""Command: another program, run to its end and timed."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.checkout import ROOT
from benchmarks.errors import BenchmarkError

_PATIENCE_SECONDS: Final = 3_600


def run(command: Sequence[object], log: Path, *, seconds: float = _PATIENCE_SECONDS) -> str:
    """Run a program, and give what it prints; that, and what it says on standard error, is added to a log.

    Args:
        command: the program and its arguments.
        log: what it says.
        seconds: how long it may take.

    Raises:
        BenchmarkError: it ends with another exit code than 0, or is not there.
        subprocess.TimeoutExpired: it takes longer.
    """
    parts = [str(part) for part in command]
    with log.open("ab") as out:
        out.write(f"$ {' '.join(parts)}\n".encode())
        out.flush()
        try:
            done = subprocess.run(  # noqa: S603 - our own commands
                parts, cwd=ROOT, stdout=subprocess.PIPE, stderr=out, timeout=seconds, check=False
            )
        except OSError as error:
            raise BenchmarkError(f"{parts[0]} cannot be run: {error.strerror}") from None
        # spark-submit prints there what its Python says, errors too.
        out.write(done.stdout)
    if done.returncode:
        raise BenchmarkError(f"{Path(parts[0]).name} ended with {done.returncode}; see {log}")
    return done.stdout.decode()


def timed(command: Sequence[object], log: Path) -> float:
    """Run a program, and give how long it took from its start to its end, in seconds.

    Raises:
        BenchmarkError: it fails.
    """
    began = time.perf_counter()
    run(command, log)
    return time.perf_counter() - began
