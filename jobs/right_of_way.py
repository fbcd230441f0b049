"""Right of way: what someone waits for goes first, and what can wait does, for a moment.

On a machine of few cores two queries slow each other down. A window that closes is over in seconds, and whoever waits
for its bars would wait twice as long for them beside the landing of ticks, which nobody waits for meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Nobody gives way for longer, whatever goes first.
_PATIENCE_SECONDS: Final = 5.0


class RightOfWay:
    """Held by what goes first, and given by what can wait."""

    def __init__(self) -> None:
        self._is_free = threading.Event()
        self._is_free.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Go first until the end of a block. Only one may."""
        self._is_free.clear()
        try:
            yield
        finally:
            self._is_free.set()

    def give(self, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until nothing goes first, but never long. Tells whether nothing does."""
        return self._is_free.wait(patience_seconds)
