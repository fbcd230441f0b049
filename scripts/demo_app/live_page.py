"""The live page on what a demo makes."""

import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

from scripts.demo_app.child import Children, tail
from scripts.demo_app.place import Place
from scripts.demo_app.port import free_port
from scripts.demo_app.stand_in import answers

_LOOK_SECONDS: Final = 0.2


class LivePage:
    """The page's own process. What becomes of it is no matter to the demo."""

    def __init__(
        self,
        children: Children,
        root: Path,
        place: Place,
        *,
        open_url: Callable[[str], object] = webbrowser.open,
        is_up: Callable[[int], bool] = answers,
    ) -> None:
        """Start it.

        Args:
            children: who it belongs to.
            root: the checkout.
            place: the demo's folder.
            open_url: shows a URL to the person.
            is_up: tells whether a port of loopback answers.
        """
        self._open_url = open_url
        self._is_up = is_up
        self._port = free_port()
        self._is_told = False
        command: list[str | Path] = [root / "scripts" / "dashboard", "--csv", place.csv, "--port", str(self._port)]
        # It installs what it needs, the first time, and then takes the place of that shell.
        self._child = children.start("page", command, place.log("page"))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}/"

    def look(self, say: Callable[[str], None]) -> None:
        """Open the page once it is there, and tell once if it will never be."""
        if self._is_told:
            return
        if self._child.exit_code is not None:
            self._is_told = True
            say(f"There is no live page; the last words in {self._child.log}: {tail(self._child.log, 1)}")
        elif self._is_up(self._port):
            self._is_told = True
            say(f"The live page is at {self.url}")
            self._open_url(self.url)

    def stay(self, stop: Event, say: Callable[[str], None]) -> None:
        """Keep the page until a stop is asked for, or it ends."""
        if self._child.exit_code is None:
            say(f"The live page stays at {self.url} until Ctrl-C.")
        while self._child.exit_code is None and not stop.wait(_LOOK_SECONDS):
            self.look(say)
