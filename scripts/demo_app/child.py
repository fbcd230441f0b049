"""One process of the demo: started apart from the terminal, watched, and stopped by its own id."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pricestream.cli import harmless
from scripts.demo_app.errors import ChildDiedError

_TAIL_LINES: Final = 15
_PATIENCE_SECONDS: Final = 10.0


class Child:
    """A running process in a group of its own, so that Ctrl-C reaches the demo alone."""

    def __init__(self, name: str, command: Sequence[str | Path], *, log: Path, environ: Mapping[str, str], cwd: Path):
        """Start the command; what it says goes to ``log``."""
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 the demo's own commands
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(environ),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def session(self) -> int:
        """The session that it leads, and its own id: what it starts is in it too."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def check(self, *, may_end: bool = False) -> None:
        """Make sure that the process runs, or has ended well where it may end.

        Raises:
            ChildDiedError: it has ended otherwise; the text has the last lines of its log.
        """
        code = self.exit_code
        if code is None or (may_end and code == 0):
            return
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise ChildDiedError(f"the {self.name} {how}; the last lines of {self.log}:\n{tail(self.log)}", code)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process, and to it alone."""
        if self.exit_code is None:
            self._process.terminate()

    def has_ended(self, within_seconds: float) -> bool:
        """Wait for the end, and tell whether it came in time."""
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Stop the process and all that it started: kindly first, then by force."""
        if self.exit_code is None:
            self._signal_group(signal.SIGTERM)
            if not self.has_ended(_PATIENCE_SECONDS):
                self._signal_group(signal.SIGKILL)
                self._process.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            # The process is not reaped yet, so its id, and that of its group, is still its own.
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


@dataclass
class Children:
    """The processes of a demo; leaving the block ends them all, the last started first."""

    environ: Mapping[str, str]
    cwd: Path
    _all: list[Child] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str | Path], log: Path) -> Child:
        """Start one more."""
        child = Child(name, command, log=log, environ=self.environ, cwd=self.cwd)
        self._all.append(child)
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._all):
            child.end()


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log that are not empty, for a terminal."""
    said = [
        harmless(line.rstrip())
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    return "\n".join(said[-lines:]) or "(it said nothing)"
