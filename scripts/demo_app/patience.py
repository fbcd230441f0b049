"""Notice when nothing moves any more."""

import time
from collections.abc import Callable
from typing import Any


class Patience:
    """Lost once the same news has been seen for too long."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow ``seconds`` without anything new, by ``clock``."""
        self._seconds = seconds
        self._clock = clock
        self._news: Any = None
        self._since = clock()

    def is_lost(self, news: Any) -> bool:
        """Take in the newest news, which compares equal to the last where nothing has happened."""
        now = self._clock()
        if news != self._news:
            self._news, self._since = news, now
        return now - self._since > self._seconds
