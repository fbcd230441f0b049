"""Write a target's ``jars.sha256`` from what Maven Central gives now; ``scripts/lock`` runs this for each target."""

import os
import shutil
import sys
from pathlib import Path

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.ivy import Ivy
from scripts.local_env.jars import write_lock
from scripts.local_env.steps import require_java


def main(target: str | None = None) -> int:
    """Fetch the jars that the target's ``jars.xml`` names into a folder of their own, and lock them."""
    # The everyday environment has all the tools; another target's need not be there.
    tools = Checkout(Path(__file__).resolve().parents[2])
    locked = Checkout(tools.root, target)
    incoming = tools.local / "jars.incoming"
    try:
        Ivy(tools, os.environ, require_java(tools, os.environ), lambda: None).fetch(incoming, locked.jars_named)
    except SetupError as error:
        sys.stderr.write(f"lock: {error}\n")
        return error.exit_code
    write_lock(locked.jars_lock, incoming)
    shutil.rmtree(incoming)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
