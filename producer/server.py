"""A server on loopback that speaks CoinGecko's API about a made-up market."""

import json
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from coingecko.clock import Clock
from producer.chart import chart
from producer.market import CURRENCIES, Market

_CHART: Final = re.compile(r"/coins/([^/]+)/market_chart/range")


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer to give in place of the right one.

    Attributes:
        status: the HTTP status.
        headers: beside the usual ones.
        body: what to send; None sends the right answer.
        change: what to make of the right answer before it is sent.
        delay_seconds: how long to sit on it, in real time.
        pause_seconds: how long to wait before each few bytes of the body, in real time.
        cut: whether to break off in the middle of the body.
        drop: whether to close the connection without a word.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    change: Callable[[Any], object] | None = None
    delay_seconds: float = 0.0
    pause_seconds: float = 0.0
    cut: bool = False
    drop: bool = False


class MarketServer:
    """Serves ``/ping``, ``/simple/price``, ``/simple/supported_vs_currencies`` and charts on a free port."""

    def __init__(self, market: Market, clock: Clock) -> None:
        """Serve ``market`` at the time that ``clock`` tells; start it with ``with``."""
        self._market = market
        self._clock = clock
        self._lock = Lock()
        self._closing = Event()
        #: Given, one per request for prices or a chart, before right answers are.
        self.faults: deque[Fault] = deque()
        #: The headers of the latest requests; a market may run without end.
        self.requests: deque[Mapping[str, str]] = deque(maxlen=1_000)
        #: Their paths, with the query.
        self.paths: deque[str] = deque(maxlen=1_000)
        self._server = LoopbackServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The address that takes the place of CoinGecko's."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v3"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, object]:
        """Give the status and the body for a request."""
        route = path.removeprefix("/api/v3")
        if route == "/ping":
            return 200, {"gecko_says": "(V3) To the Moon!"}
        if route == "/simple/supported_vs_currencies":
            return 200, list(CURRENCIES)
        if match := _CHART.fullmatch(route):
            return self._chart(match[1], query)
        if route != "/simple/price":
            return 404, {"error": "Incorrect path. Please check https://www.coingecko.com/api/"}
        for name in ("ids", "vs_currencies"):
            if name not in query:
                return 422, {"error": f"Missing parameter {name}"}
        currencies = query["vs_currencies"].split(",")
        if any(currency not in CURRENCIES for currency in currencies):
            return 422, {"error": "invalid vs_currency"}
        with self._lock:
            coins = {coin_id: self._coin(coin_id, currencies, query) for coin_id in query["ids"].split(",")}
        return 200, {coin_id: fields for coin_id, fields in coins.items() if fields}

    def fault(self, path: str, headers: Mapping[str, str]) -> Fault:
        """Take the next fault, or none, and note the request for ``path``, which has its query."""
        self.requests.append(headers)
        self.paths.append(path)
        if not urlsplit(path).path.endswith(("/simple/price", "/market_chart/range")) or not self.faults:
            return Fault()
        fault = self.faults.popleft()
        if fault.delay_seconds:
            self.pause(fault.delay_seconds)
        return fault

    def now_s(self) -> float:
        """Tell the market's time, epoch seconds."""
        return self._clock.now_ms() / 1000

    def pause(self, seconds: float) -> None:
        """Wait, in real time, or until the server is closed."""
        self._closing.wait(seconds)

    def _chart(self, coin_id: str, query: Mapping[str, str]) -> tuple[int, object]:
        for name in ("vs_currency", "from", "to"):
            if name not in query:
                return 422, {"error": f"Missing parameter {name}"}
        if query["vs_currency"] not in CURRENCIES:
            return 422, {"error": "invalid vs_currency"}
        if not (query["from"].isdigit() and query["to"].isdigit()):
            return 422, {"error": "from and to must be UNIX timestamps"}
        now_s = self._clock.now_ms() // 1000
        from_s, to_s = int(query["from"]), int(query["to"])
        with self._lock:
            found = chart(self._market, coin_id, query["vs_currency"], from_s=from_s, to_s=to_s, now_s=now_s)
        return (404, {"error": "coin not found"}) if found is None else (200, found)

    def _coin(self, coin_id: str, currencies: list[str], query: Mapping[str, str]) -> dict[str, float]:
        fields: dict[str, float] = {}
        now = self._clock.now_ms()
        for currency in currencies:
            price = self._market.price(coin_id, currency, now)
            if price is None:
                return {}
            fields[currency] = price.price
            if query.get("include_market_cap") == "true":
                fields[f"{currency}_market_cap"] = price.market_cap
            if query.get("include_24hr_vol") == "true":
                fields[f"{currency}_24h_vol"] = price.volume_24h
            if query.get("include_24hr_change") == "true":
                fields[f"{currency}_24h_change"] = price.change_24h_pct
            if query.get("include_last_updated_at") == "true":
                fields["last_updated_at"] = price.updated_at
        return fields


class LoopbackServer(ThreadingHTTPServer):
    """A server whose clients may be gone at any moment."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless the client is gone."""
        # A client that has given up, or was killed, is no trouble of the server's.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _pieces(body: bytes, fault: Fault) -> Iterator[bytes]:
    size = 16 if fault.pause_seconds else max(1, len(body))
    return (body[start : start + size] for start in range(0, len(body), size))


def _handler(market_server: MarketServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet per answer: a header on its own would wait for the client's delayed acknowledgement.
        wbufsize = 65_536
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = market_server.fault(self.path, dict(self.headers.items()))
            if fault.drop:
                self.close_connection = True
                return
            status, content = market_server.answer(parts.path, query)
            if fault.body is not None or fault.status != 200:
                status = fault.status
            if fault.change is not None:
                content = fault.change(content)
            body = json.dumps(content).encode() if fault.body is None else fault.body
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in _pieces(body[: len(body) // 2] if fault.cut else body, fault):
                self.wfile.write(piece)
                if fault.pause_seconds:
                    self.wfile.flush()
                    market_server.pause(fault.pause_seconds)
            self.close_connection = self.close_connection or fault.cut

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Tell the market's time in the header, as the whole server does."""
            return super().date_time_string(market_server.now_s() if timestamp is None else timestamp)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the client's log has it."""

    return Handler
