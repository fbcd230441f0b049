"""Write ``conf/spark/jars.sha256`` from what Maven Central gives now; ``scripts/lock`` runs this."""

import os
import shutil
import sys
from pathlib import Path

from scripts.local_env.checkout import Checkout
from scripts.local_env.errors import SetupError
from scripts.local_env.ivy import Ivy
from scripts.local_env.jars import write_lock
from scripts.local_env.steps import require_java


def main() -> int:
    """Fetch the jars that ``conf/spark/jars.xml`` names into a folder of their own, and lock them."""
    checkout = Checkout(Path(__file__).resolve().parents[2])
    incoming = checkout.local / "jars.incoming"
    try:
        Ivy(checkout, os.environ, require_java(checkout, os.environ), lambda: None).fetch(incoming)
    except SetupError as error:
        sys.stderr.write(f"lock: {error}\n")
        return error.exit_code
    write_lock(checkout.jars_lock, incoming)
    shutil.rmtree(incoming)
    return 0


if __name__ == "__main__":
    sys.exit(main())
