"""A webhook on loopback that answers as it is told to, and keeps what it is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any

from producer.server import LoopbackServer


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    location: str | None = None
    #: The headers and the document of each call.
    received: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@contextmanager
def run_receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append((dict(self.headers), json.loads(body)))
            self.send_response(told.status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = LoopbackServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/hook?key=s3cr3t"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
