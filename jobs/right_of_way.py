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
        self._change = threading.Condition()
        self._is_held = False
        self._through_s = 0
        self._given_up_s = 0

    def passed(self, through_s: int) -> None:
        """Note that windows which end here or before, epoch seconds, need not go first any more; 0 is none."""
        with self._change:
            self._through_s = max(self._through_s, through_s)
            self._change.notify_all()

    @contextmanager
    def held(self, through_s: int) -> Iterator[None]:
        """Go first until the end of a block, with the windows that end here or before. Only one may."""
        with self._change:
            self._is_held = True
        try:
            yield
        finally:
            with self._change:
                self._is_held = False
                self.passed(through_s)

    def due_s(self, watermark_s: int, seconds: int) -> int | None:
        """Tell which window is about to go first, by its end, epoch seconds; None where none is.

        Nor is there one where several are due: that is catching up, and nobody waits for one of them.

        Args:
            watermark_s: where the watermark will stand, epoch seconds.
            seconds: how long a window is.
        """
        end = self._through_s + seconds
        is_awaited = self._through_s > 0 and end > self._given_up_s
        return end if is_awaited and end <= watermark_s < end + seconds else None

    def give(self, due_s: int | None = None, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until nothing goes first, nor is about to, but never long. Tells whether nothing does.

        Args:
            due_s: the window that is about to, by its end, epoch seconds; where it does not come it is waited for once.
            patience_seconds: how long is never.
        """
        with self._change:
            is_free = self._change.wait_for(lambda: self._is_free(due_s), patience_seconds)
            if not is_free:
                self._given_up_s = due_s or self._given_up_s
            return is_free

    def _is_free(self, due_s: int | None) -> bool:
        return not self._is_held and (due_s is None or due_s <= self._through_s)
