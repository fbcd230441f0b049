"""Machine: what the figures were measured on, and how busy it was."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.java import java_home, java_version

_PROC: Final = Path("/proc")
_PACKAGES: Final = ("pyspark", "delta-spark", "pyarrow", "boto3", "moto")


def describe_machine() -> dict[str, Any]:
    """Describe the processor, the memory, the system, and what of ours is installed. Sizes are in GiB."""
    home = java_home()
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "java": java_version(home) if home else "unknown",
        "packages": {name: version(name) for name in _PACKAGES},
    }


def cores() -> int:
    """Count the cores that this process, and all that it starts, may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def few_cores(count: int | None) -> Iterator[None]:
    """Keep this thread, and what it starts meanwhile for good, to so many of its cores; None leaves it all of them."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(usable)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def load() -> dict[str, float]:
    """Read the load of the last minute and of the last five: how many processes wanted to run."""
    one, five, _ = os.getloadavg()
    return {"one_minute": round(one, 2), "five_minutes": round(five, 2)}


def _processor() -> str:
    try:
        text = (_PROC / "cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()
