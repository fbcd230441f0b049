"""Produce: the producer of a settings file, run to the end of its source. Prints what it took, as JSON.

The time is that of :func:`producer.cli.run`, without the start of the interpreter and its imports.
"""

import json
import sys
import time
from pathlib import Path
from threading import Event

from pricestream.config import load_settings
from producer.cli import run


def main(config: str) -> None:
    """Run it."""
    settings = load_settings(Path(config), ())
    began = time.perf_counter()
    summary = run(settings, Event())
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - began, "sent": summary.sent}))


if __name__ == "__main__":
    main(sys.argv[1])
