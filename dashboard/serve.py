"""Serve: the page on a port of this machine, until Ctrl-C."""

import logging
import signal
import socket
from types import FrameType

from dash import Dash
from waitress.server import create_server  # type: ignore[import-untyped]

from pricestream.errors import PricestreamError

#: A browser opens about six connections, and a slow S3 holds a thread for as long as it takes.
_THREADS = 8


class PortError(PricestreamError):
    """The page cannot be served there."""


class PageServer:
    """The page, listening from its making on."""

    def __init__(self, app: Dash, host: str, port: int) -> None:
        """Listen.

        Args:
            app: the page.
            host: the address to listen on.
            port: 0 for any that is free.

        Raises:
            PortError: nobody can listen there.
        """
        # It says by itself where it listens, and that a client was too slow.
        logging.getLogger("waitress").setLevel(logging.ERROR)
        try:
            self._socket = _listen(host, port)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PortError(f"cannot listen on {host} port {port}: {reason}; choose another --port") from None
        self._server = create_server(app.server, sockets=[self._socket], threads=_THREADS, ident=None)
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Serve until Ctrl-C, SIGTERM or the end of the terminal."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        self.serve()

    def serve(self) -> None:
        """Serve until interrupted, or :meth:`close` is called from another thread."""
        try:
            self._server.run()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the port."""
        self._server.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except BaseException:
        listening.close()
        raise
    return listening


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
