"""The producer as a process of a drill: fed from a recording that chance wrote, or from a market on loopback."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from faults.checkout import ROOT
from faults.stand_in import REGION, local_environment
from faults.stream_content import TickKey

_PATIENCE_SECONDS: Final = 120
_COINS: Final = ("bitcoin", "ethereum", "solana", "ripple", "dogecoin")
_START_MS: Final = 1_767_603_600_000


@dataclass(frozen=True)
class Ended:
    """How a run ended: the exit code, negative for a signal, and what it logged."""

    code: int
    log: str

    @property
    def last_line(self) -> str:
        """The last line of the log, which says why it ended."""
        lines = self.log.strip().splitlines()
        return lines[-1] if lines else "(it said nothing)"

    @property
    def is_one_line(self) -> bool:
        """Whether what went wrong is told in one line for a person, and not in a traceback."""
        return "Traceback" not in self.log and self.last_line.startswith("error: ")


@dataclass(frozen=True)
class ProducerProcess:
    """A producer's settings; each run is a process of its own."""

    #: Its state is below this, and its settings file.
    folder: Path
    url: str
    stream: str
    producer_id: str = "p"
    #: Keys of ``producer`` in the settings.
    producer: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The producer's own folder."""
        return self.folder / "state"

    @property
    def last_seq(self) -> int:
        """The last number that it gave, by its own summary."""
        return int(json.loads((self.state / "summary.json").read_bytes())["seq"])

    def start(self, *, through: list[str] | None = None) -> "subprocess.Popen[bytes]":
        """Start a run, through another module where one is named; its log is appended to ``producer.log``."""
        with (self.folder / "producer.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", *(through or []), "producer", "--config", str(self._write_settings())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=local_environment(),
            )

    def run(self, *, through: list[str] | None = None) -> Ended:
        """Run it to its end."""
        return self.wait(self.start(through=through))

    def wait(self, process: "subprocess.Popen[bytes]") -> Ended:
        """Wait for the end of a run, and by force end one that does not.

        Raises:
            TimeoutExpired: it did not end.
        """
        log = self.folder / "producer.log"
        try:
            code = process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        said = log.read_text(encoding="utf-8", errors="replace")
        log.rename(log.with_name(f"producer-{process.pid}.log"))
        return Ended(code, said)

    def _write_settings(self) -> Path:
        tree = {
            "stream": {"name": self.stream, "region": REGION, "endpoint_url": self.url},
            "producer": {"id": self.producer_id, "state_dir": str(self.state), **self.producer},
        }
        path = self.folder / "settings.yaml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return path


def write_recording(path: Path, rows: int, rng: Random) -> set[TickKey]:
    """Write a recording of so many trades, a second or two apart, and give the ticks that it stands for."""
    ticks: set[TickKey] = set()
    lines = ["timestamp_ms,coin_id,vs_currency,price,trade_id"]
    moment = _START_MS
    for trade in range(1, rows + 1):
        moment += rng.choice((0, 500, 1_000, 2_000))
        coin, price = rng.choice(_COINS), round(rng.uniform(0.5, 70_000), rng.randint(0, 6))
        lines.append(f"{moment},{coin},usd,{price!r},{trade}")
        ticks.add((coin, "usd", moment, trade, price))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ticks


def replay_of(recording: Path, *, speed: float = 1e9) -> dict[str, Any]:
    """Settings that play a recording; at any speed but 0 each poll is sent by itself."""
    return {
        "source": "replay",
        "poll_seconds": 10,
        "replay": {"path": str(recording), "speed": speed},
    }
