"""Network: how many bytes this machine has received from others."""

from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/net/dev")
_HEAD_LINES: Final = 2
_LOOPBACK: Final = "lo"


def received_bytes(table: Path = _TABLE) -> int | None:
    """Add up what all interfaces but loopback have received since the machine started; None where Linux is not."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()[_HEAD_LINES:]
    except OSError:
        return None
    interfaces = (line.partition(":") for line in lines)
    return sum(int(counts.split()[0]) for name, _, counts in interfaces if name.strip() != _LOOPBACK)
