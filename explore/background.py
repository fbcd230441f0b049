"""Background: a part of the system in a thread of the kernel, until it is told to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Background:
    """Work that stops when it is asked to; what it fails of is handed to whoever asks."""

    name: str
    #: How long a stop waits for its end, seconds.
    patience_seconds: float
    _stopping: threading.Event = field(default_factory=threading.Event)
    _errors: list[BaseException] = field(default_factory=list)
    _thread: threading.Thread | None = None

    @property
    def has_started(self) -> bool:
        """Whether it was ever started."""
        return self._thread is not None

    @property
    def is_running(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[threading.Event], object]) -> None:
        """Start it; the event that the work is given is set when it should stop."""

        def run() -> None:
            try:
                work(self._stopping)
            except BaseException as error:  # noqa: BLE001 - handed to whoever asks
                self._errors.append(error)

        self._thread = threading.Thread(target=run, name=self.name, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended it before its time.

        Raises:
            PricestreamError: something that a person must put right.
        """
        if self._errors:
            raise self._errors[0]

    def stop(self) -> None:
        """Let it end in good order, and wait for that, but not for ever.

        Raises:
            PricestreamError: see :meth:`check`.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(self.patience_seconds)
        self.check()
