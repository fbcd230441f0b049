"""Make the local environment; ``scripts/setup`` runs this."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import DispensableError, SetupError
from scripts.local_env.lock import exclusive
from scripts.local_env.packages import EXTRAS
from scripts.local_env.progress import Progress
from scripts.local_env.spark_conf import configure
from scripts.local_env.state import State
from scripts.local_env.steps import pending_steps, require_java

_NEXT: Final = {None: "demo", "spark4": "test_spark4"}


def main(arguments: Sequence[str]) -> int:
    """Run the setup and return its exit code."""
    parser = argparse.ArgumentParser(prog="scripts/setup", description="Make .venv/ and .local/ in this checkout.")
    parser.add_argument("--test", action="store_true", help="also what the tests need")
    parser.add_argument("--with", choices=EXTRAS, dest="extra", help="also what this command needs")
    parser.add_argument("--target", choices=["spark4"], help="another Spark and its tests, below .local/")
    parser.add_argument("--quiet", action="store_true", help="say nothing when everything is there")
    options = parser.parse_args(arguments)
    checkout = Checkout(Path(__file__).resolve().parents[2], options.target)
    # One at a time for all targets: each of them installs this project from the same folder.
    lock = Checkout(checkout.root).local / "setup.lock"
    try:
        with exclusive(lock, lambda: _say("waiting for another setup in this checkout")):
            _set_up(checkout, tests=options.test, extra=options.extra)
    except SetupError as error:
        _say(f"setup: {error}")
        return error.exit_code
    except OSError as error:
        _say(f"setup: {error}")
        return SetupError.exit_code
    except KeyboardInterrupt:
        _say("setup: interrupted; run it again to go on")
        return 130
    if not options.quiet:
        _say(f"Everything is there. Next: {checkout.root / 'scripts' / _NEXT[options.target]}")
    return 0


def _set_up(checkout: Checkout, *, tests: bool, extra: str | None) -> None:
    state = State(checkout.venv / "setup.json")
    pending = pending_steps(checkout, state, os.environ, tests=tests, extra=extra)
    if pending:
        checkout.log.unlink(missing_ok=True)
    progress = Progress(sys.stderr, len(pending))
    for step in pending:
        try:
            with progress.step(step.title, step.hint) as on_wait:
                step.run(on_wait)
        except DispensableError as error:
            _say(f"setup: {error}")
    configure(checkout, require_java(checkout, os.environ))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
