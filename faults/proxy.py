"""Proxy: stands between a client and a stand-in for AWS, and does to its calls what networks and services do."""

import http.client
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler
from threading import Lock, Thread
from typing import Any, Final, Self
from urllib.parse import urlsplit

from producer.server import LoopbackServer

_PATIENCE_SECONDS: Final = 60.0
#: What belongs to one connection and not to what is sent over it.
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "expect"})


@dataclass(frozen=True)
class Call:
    """A request on its way."""

    #: Counted from 1.
    number: int
    method: str
    #: With the query.
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """Name of the Kinesis call, such as PutRecords; the method for S3."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2] or self.method


@dataclass(frozen=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Loss(Enum):
    """A call that gets no answer."""

    #: It never came.
    CALL = "call"
    #: It was carried out, and the answer is lost.
    ANSWER = "answer"


#: Passes a call on to the service.
Forward = Callable[[Call], Answer]
#: Decides what becomes of a call; it may pass it on, changed or not, or not at all.
Meddle = Callable[[Call, Forward], Answer | Loss]


class Proxy:
    """A proxy on a free port of loopback; start it with ``with``."""

    def __init__(self, upstream_url: str, meddle: Meddle) -> None:
        """Stand before ``upstream_url``, an HTTP service on loopback. ``meddle`` is called from many threads."""
        self._upstream = urlsplit(upstream_url).netloc
        self.meddle = meddle
        self._lock = Lock()
        #: How many calls there were of each operation.
        self.calls: Counter[str] = Counter()
        self._server = LoopbackServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The address that takes the place of the service's."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer | Loss:
        """Count a request, and decide what becomes of it."""
        with self._lock:
            number = self.calls.total() + 1
            call = Call(number, method, path, {name.lower(): value for name, value in headers.items()}, body)
            self.calls[call.operation] += 1
        return self.meddle(call, self.forward)

    def forward(self, call: Call) -> Answer:
        """Pass a call on, and give the service's answer."""
        connection = http.client.HTTPConnection(self._upstream, timeout=_PATIENCE_SECONDS)
        try:
            sent = {name: value for name, value in call.headers.items() if name not in _HOP_BY_HOP}
            connection.request(call.method, call.path, body=call.body, headers=sent)
            response = connection.getresponse()
            body = response.read()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            if call.method == "HEAD" and (length := response.getheader("Content-Length")):
                kept["Content-Length"] = length
            return Answer(response.status, body, kept)
        finally:
            connection.close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet per answer: a header on its own would wait for the client's delayed acknowledgement.
        wbufsize = 65_536
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            try:
                answer = proxy.handle(self.command, self.path, dict(self.headers.items()), self._read_body())
            except (OSError, http.client.HTTPException):
                # The service is gone; so is the connection.
                answer = Loss.CALL
            if isinstance(answer, Loss):
                self.close_connection = True
                return
            # A client that has given up, or was killed, is no trouble of the proxy's.
            with suppress(ConnectionError):
                self._send(answer)

        def handle_expect_100(self) -> bool:
            # Or the client, which waits for it a while, would have it with the answer.
            is_wanted = super().handle_expect_100()
            self.wfile.flush()
            return is_wanted

        def _read_body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers and answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names that the server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing: the client's log has it."""

    return Handler


def pass_on(call: Call, forward: Forward) -> Answer:
    """Meddle with nothing."""
    return forward(call)
