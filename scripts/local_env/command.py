"""Run pip, Ivy, npm and Java with their words in a log file."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.local_env.errors import CommandError

_TAIL_LINES = 12


def run_logged(
    command: Sequence[str | Path],
    *,
    log: Path,
    environ: Mapping[str, str],
    on_wait: Callable[[], None],
    problem: str,
) -> None:
    """Run a command to its end, appending what it says to ``log``.

    Args:
        command: the program and its arguments.
        log: made where it is absent.
        environ: the whole environment of the command.
        on_wait: called about once a second.
        problem: what to say where it fails, e.g. ``the Python packages could not be installed``.

    Raises:
        CommandError: it exited with an error, whose last lines are in the text.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = log.stat().st_size if log.exists() else 0
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(  # noqa: S603 the commands are the setup's own
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(environ)
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    on_wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        with log.open("rb") as said:
            said.seek(start)
            text = said.read().decode(errors="replace")
        raise CommandError(f"{tail(text)}\n{problem}; all of it is in {log}. Run the setup again to go on", text)


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The lines worth showing: those that say ERROR, or else the last ones."""
    said = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in said if line.lstrip().startswith("ERROR")]
    return "\n".join((errors or said)[-lines:])
