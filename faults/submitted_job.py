"""Submitted job: the streaming job as spark-submit runs it, in a process group that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from faults.checkout import ROOT
from faults.lake import is_settled, job_arguments, status_of
from pricestream.settings import Settings

_PATIENCE_SECONDS: Final = 300.0
_TAIL: Final = 2_000


class JobError(Exception):
    """The job did not do what the drill waits for; the text has the end of its log."""


@dataclass
class SubmittedJob:
    """A running job; leaving the block kills it where it still runs."""

    settings: Settings
    process: "subprocess.Popen[bytes]"
    log: Path

    @classmethod
    def start(
        cls,
        settings: Settings,
        overrides: Sequence[str],
        log: Path,
        *,
        script: str = "jobs/stream_prices.py",
        before: Sequence[str] = (),
    ) -> Self:
        """Start it, with some arguments before its own; what it says is added to ``log``."""
        # A job that was killed still says that it runs.
        Path(settings.job.status_file).unlink(missing_ok=True)
        arguments = job_arguments(settings, "job.report=null", "job.trigger_seconds=0.2", *overrides)
        command = [str(Path(sys.executable).parent / "spark-submit"), script, *before, *arguments]
        with log.open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(settings, process, log)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.process.poll() is not None

    @property
    def errors(self) -> list[str]:
        """The lines in which it says why it ended."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.startswith("error: ")]

    @property
    def rows(self) -> int:
        """How many records it says are rows."""
        return int(status_of(self.settings).get("ticks", {}).get("rows", 0))

    def wait(self, what: str, is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait for something.

        Raises:
            JobError: the job ended before, or it takes too long.
        """
        until = time.monotonic() + seconds
        while not is_so():
            if self.has_ended:
                raise JobError(f"the job ended with {self.process.returncode} before {what}: {self.tail()}")
            if time.monotonic() > until:
                raise JobError(f"waited {seconds:.0f} s in vain for {what}: {self.tail()}")
            time.sleep(0.1)

    def wait_until_running(self) -> None:
        """Wait until it reads."""
        self.wait("it runs", lambda: status_of(self.settings).get("state") == "running")

    def settle(self, *, rows: int, watermark_ms: int) -> None:
        """Wait until so many records are rows, and every window before the watermark (epoch ms) is published."""
        self.wait(
            f"{rows} rows and a watermark of {watermark_ms}",
            lambda: is_settled(self.settings, rows=rows, watermark_ms=watermark_ms),
        )

    def kill(self) -> None:
        """Kill it and all that it started, as kill -9 does."""
        if not self.has_ended:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has.

        Raises:
            JobError: it does not.
        """
        stop_file = Path(self.settings.job.stop_file)
        stop_file.parent.mkdir(parents=True, exist_ok=True)
        stop_file.touch()
        try:
            code = self.process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise JobError(f"it does not stop: {self.tail()}") from None
        finally:
            stop_file.unlink()
        if code != 0:
            raise JobError(f"it stopped with {code}: {self.tail()}")

    def tail(self) -> str:
        """Give the end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def run_backfill(overrides: Sequence[str], log: Path, *, first: str, end: str) -> None:
    """Make the bars of some days anew from ``ticks``.

    Args:
        overrides: see :meth:`faults.testbed.Testbed.settings`.
        log: what it says is added there.
        first: the first day, ISO.
        end: the day behind the last.

    Raises:
        JobError: it fails.
    """
    sets = [part for each in overrides for part in ("--set", each)]
    command = [str(Path(sys.executable).parent / "spark-submit"), "jobs/backfill_prices.py"]
    command += ["--config", "conf/local.yaml", "--from", first, "--to", end, *sets]
    with log.open("ab") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode:
        raise JobError(f"the backfill ended with {done.returncode}; see {log}")
