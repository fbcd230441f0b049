"""Batch time: how long the micro-batches of a running job take, by its own metrics."""

from dataclasses import dataclass
from typing import Final, Self

import requests

from pricestream.metric import BARS_BATCH_TIME
from pricestream.prometheus import prometheus_name
from scripts.demo_app.port import free_port

_NAME: Final = prometheus_name(BARS_BATCH_TIME)


@dataclass
class BatchTime:
    """Asks the port on which the job shows its metrics."""

    port: int
    _sum: float = 0.0
    _count: float = 0.0
    _last: float = 0.0

    @classmethod
    def on_free_port(cls) -> Self:
        """Choose a port that nothing listens on."""
        return cls(free_port())

    @property
    def overrides(self) -> list[str]:
        """What to lay over a job's settings so that it shows them there."""
        return [f"metrics.prometheus_port={self.port}", "metrics.every_seconds=2"]

    def seconds(self) -> float:
        """Give the mean of the bars query's micro-batches since the last look; where there was none, what it was."""
        total, count = self._ask()
        if count < self._count:
            # Another job, which counts from nothing.
            self._sum = self._count = 0.0
        if count > self._count:
            self._last = (total - self._sum) / (count - self._count)
            self._sum, self._count = total, count
        return self._last

    def _ask(self) -> tuple[float, float]:
        try:
            return read_timing(requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=2).text)
        except requests.RequestException:
            return self._sum, self._count


def read_timing(text: str) -> tuple[float, float]:
    """Take the sum, in seconds, and the count of micro-batches out of Prometheus' text."""
    values = {"sum": 0.0, "count": 0.0}
    for line in text.splitlines():
        for part in values:
            if line.startswith(f"{_NAME}_{part}{{"):
                values[part] = float(line.rpartition(" ")[2])
    return values["sum"], values["count"]
