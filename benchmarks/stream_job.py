"""Stream job: a program with streaming queries, started, watched, and stopped."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import yaml

from benchmarks.checkout import ROOT
from benchmarks.errors import BenchmarkError
from scripts.demo_app.child import Child
from scripts.demo_app.errors import ChildDiedError

_PATIENCE_SECONDS: Final = 120.0


@dataclass
class StreamJob:
    """A running program that says in its settings' status file that it runs, and ends by their stop file."""

    child: Child
    status: Path
    stop_file: Path

    @classmethod
    def start(cls, command: Sequence[object], config: Path, log: Path, environ: dict[str, str]) -> Self:
        """Start it, and wait until it reads.

        Raises:
            BenchmarkError: it ends before that, or takes longer than two minutes.
        """
        job = yaml.safe_load(config.read_text(encoding="utf-8"))["job"]
        child = Child("job", [str(part) for part in command], log=log, environ=environ, cwd=ROOT)
        started = cls(child, Path(job["status_file"]), Path(job["stop_file"]))
        try:
            started.wait("it runs", lambda: started.state() == "running")
        except BenchmarkError:
            child.end()
            raise
        return started

    def state(self) -> str:
        """Give what it says of itself; nothing before it has."""
        try:
            return str(json.loads(self.status.read_bytes())["state"])
        except (FileNotFoundError, ValueError):
            return ""

    def wait(self, what: str, is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait for something.

        Raises:
            BenchmarkError: it ended before, or it takes too long.
        """
        until = time.monotonic() + seconds
        while not is_so():
            try:
                self.child.check()
            except ChildDiedError as error:
                raise BenchmarkError(f"before {what}: {error}") from None
            if self.child.exit_code is not None or time.monotonic() > until:
                raise BenchmarkError(f"waited in vain for {what}; see {self.child.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has.

        Raises:
            BenchmarkError: it fails, or does not stop.
        """
        self.stop_file.touch()
        if not self.child.has_ended(_PATIENCE_SECONDS):
            raise BenchmarkError(f"it does not stop; see {self.child.log}")
        if self.child.exit_code != 0:
            raise BenchmarkError(f"it ended with {self.child.exit_code}; see {self.child.log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.end()
