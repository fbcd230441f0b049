"""Reporter: asks every so often how things are, and tells it to whoever the settings name."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol

from pricestream.emf import emf_lines
from pricestream.log_events import LogEvents, LogsClient
from pricestream.metric import Reading
from pricestream.metrics_settings import MetricsSettings
from pricestream.outlet import Event, Outlet
from pricestream.prometheus import Exposition, PrometheusServer

_SAY_AGAIN_SECONDS: Final = 600

log = logging.getLogger(__name__)

Tell = Callable[[Sequence[Reading]], None]


class Meter(Protocol):
    """Something that can say how it is."""

    def read(self, now_ms: int) -> Sequence[Reading]:
        """Say it. Counters and timings are what has come since the last reading."""


class Reporter:
    """Reads a meter in a thread of its own. Nothing that goes wrong here is a reason to end what is measured."""

    def __init__(self, meter: Meter, tell: Sequence[Tell], every_seconds: float) -> None:
        """Begin to read ``meter`` every so many seconds."""
        self._meter = meter
        self._tell = tell
        self._every_seconds = every_seconds
        self._closing = threading.Event()
        self._said_at: float | None = None
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)
        self._thread.start()

    def close(self, patience_seconds: float = 5) -> None:
        """Read once more, and end; a reading that takes longer than that is left alone."""
        self._closing.set()
        self._thread.join(patience_seconds)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closing.wait(self._every_seconds)
            try:
                readings = self._meter.read(time.time_ns() // 1_000_000)
                for tell in self._tell:
                    tell(readings)
            except Exception as error:  # noqa: BLE001 - whatever it is, the job goes on
                self._say(error)

    def _say(self, error: Exception) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_AGAIN_SECONDS:
            self._said_at = now
            log.warning("the metrics cannot be read for now: %s: %s", type(error).__name__, error)


@contextmanager
def reporting(
    settings: MetricsSettings,
    meter: Meter,
    *,
    logs_client: Callable[[], LogsClient],
    log_stream: str,
    is_producer: bool = False,
) -> Iterator[None]:
    """Report a meter meanwhile, as the settings say; where they name no place, do nothing.

    Args:
        settings: where to.
        meter: what.
        logs_client: makes a client of CloudWatch Logs; called only where one is needed.
        log_stream: the stream of the log group.
        is_producer: takes the producer's port, beside the job's.
    """
    if not settings.is_on:
        yield
        return
    with ExitStack() as places:
        tell: list[Tell] = []
        if settings.prometheus_port is not None:
            tell += _serve(places, settings.prometheus_port + is_producer)
        if settings.emf == "stdout":
            tell.append(_into(places, Outlet(_print, "standard output")))
        elif settings.emf == "logs":
            group = str(settings.log_group)
            events = LogEvents(logs_client, group, log_stream)
            tell.append(_into(places, Outlet(events.write, f"log group {group}")))
        reporter = Reporter(meter, tell, settings.every_seconds)
        # Before the places are closed, so that the last reading reaches them.
        places.callback(reporter.close)
        yield


def _serve(places: ExitStack, port: int) -> list[Tell]:
    exposition = Exposition()
    try:
        server = PrometheusServer(exposition, port)
    except OSError as error:
        log.warning("no metrics for Prometheus: port %d cannot be used: %s", port, error.strerror)
        return []
    places.callback(server.close)
    log.info("metrics are at %s", server.url)
    return [exposition.take]


def _into(places: ExitStack, outlet: Outlet) -> Tell:
    places.callback(outlet.close)
    return lambda readings: outlet.offer(emf_lines(readings))


def _print(events: Sequence[Event]) -> None:
    sys.stdout.write("".join(f"{line}\n" for _, line in events))
    sys.stdout.flush()
