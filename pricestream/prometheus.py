"""Prometheus: the newest readings as text on a port of loopback, for whoever scrapes it.

The text is version 0.0.4 of Prometheus' exposition format. Its names follow Prometheus' own habits: base units, and
``_total`` behind what only grows.
"""

import math
import re
import threading
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from pricestream.metric import Metric, Reading

_HOST: Final = "127.0.0.1"
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_TYPES: Final = {"gauge": "gauge", "counter": "counter", "timing": "summary"}
_SUFFIXES: Final = {"Seconds": "_seconds", "Milliseconds": "_seconds", "Bytes": "_bytes", "Count": ""}
_PER_BASE_UNIT: Final = {"Milliseconds": 1000}

_Labels = tuple[tuple[str, str], ...]


class Exposition:
    """What was read, as Prometheus wants it: counters and timings are added up, gauges are the newest."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._values: dict[Metric, dict[_Labels, list[float]]] = {}

    def take(self, readings: Iterable[Reading]) -> None:
        """Take readings in. Of gauges only what they say is left: a shard that is gone is no longer there."""
        with self._lock:
            taken: dict[Metric, dict[_Labels, list[float]]] = {}
            for reading in readings:
                labels = tuple((_snake(name), value) for name, value in reading.dimensions.items())
                for metric, value in reading.values.items():
                    values = list(value) if isinstance(value, Sequence) else [value]
                    taken.setdefault(metric, {})[labels] = [each for each in values if math.isfinite(each)]
            self._values = {metric: series for metric, series in self._values.items() if metric.kind != "gauge"}
            for metric, series in taken.items():
                self._add(metric, series)

    def _add(self, metric: Metric, series: dict[_Labels, list[float]]) -> None:
        if metric.kind == "gauge":
            self._values[metric] = {labels: values[-1:] for labels, values in series.items() if values}
            return
        sums = self._values.setdefault(metric, {})
        for labels, values in series.items():
            before, count = sums.get(labels, [0.0, 0.0])
            sums[labels] = [before + sum(values), count + len(values)]

    def text(self) -> str:
        """Write it all."""
        with self._lock:
            return "".join(f"{line}\n" for metric, series in self._values.items() for line in _lines(metric, series))


def _lines(metric: Metric, series: dict[_Labels, list[float]]) -> Iterable[str]:
    name, base = prometheus_name(metric), _PER_BASE_UNIT.get(metric.unit, 1)
    yield f"# HELP {name} {metric.meaning}"
    yield f"# TYPE {name} {_TYPES[metric.kind]}"
    for labels, values in series.items():
        inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
        if metric.kind == "timing":
            yield f"{name}_sum{{{inside}}} {_number(values[0] / base)}"
            yield f"{name}_count{{{inside}}} {_number(values[1])}"
        else:
            yield f"{name}{{{inside}}} {_number(values[0] / base)}"


def prometheus_name(metric: Metric) -> str:
    """Give the name under which Prometheus has a metric: ``pricestream_consumer_lag_seconds``."""
    return f"pricestream_{_snake(metric.name)}{_SUFFIXES[metric.unit]}{'_total' if metric.kind == 'counter' else ''}"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


class PrometheusServer:
    """Serves an exposition at ``/metrics`` until it is closed."""

    def __init__(self, exposition: Exposition, port: int) -> None:
        """Listen on ``port`` of loopback; 0 takes any that is free.

        Raises:
            OSError: the port is taken, or may not be used.
        """
        self._server = ThreadingHTTPServer((_HOST, port), _handler(exposition))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="prometheus", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{_HOST}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(exposition: Exposition) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        #: For each wait on a client: one that says nothing must not keep a thread for ever.
        timeout = 5

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = exposition.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", _CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A line for every scrape would be all that the log says."""

    return Handler
