"""Bars of a stream of JSON lines, by bytewax: ``python bytewax_stream.py FOLDER OUT WORKERS``.

Files are read one after another by one worker, as the only order that an event's clock goes by; what follows is spread
over all workers, which are threads of one interpreter.
"""

# It is in an environment of its own, where mypy does not look.
# mypy: disable-error-code="import-not-found, misc"

import csv
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators.windowing import EventClock, TumblingWindower
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import cluster_main

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
#: How far the watermark trails, as in our job: 5 minutes of lateness and 2 of clock skew.
_DELAY = timedelta(minutes=7)
_HEARTBEAT = "_heartbeat"
_COLUMNS = [
    "coin_id",
    "vs_currency",
    "window_start",
    "window_end",
    "open",
    "high",
    "low",
    "close",
    "mean",
    "stddev",
    "tick_count",
    "first_tick_at",
    "last_tick_at",
]

#: Event time (epoch ms), the source's number, the price.
Tick = tuple[int, int, float]


def _time(tick: Tick) -> datetime:
    return _EPOCH + timedelta(milliseconds=tick[0])


def _parse(line: str) -> tuple[str, Tick]:
    record = json.loads(line)
    return f"{record['coin_id']}/{record['vs_currency']}", (record["event_time"], record["event_seq"], record["price"])


def _add(ticks: set[Tick], tick: Tick) -> set[Tick]:
    ticks.add(tick)
    return ticks


def _bar(keyed: tuple[str, tuple[int, set[Tick]]]) -> tuple[str, tuple[str, ...]]:
    """Make the folder and the line of a bar."""
    key, (window, gathered) = keyed
    coin, _, currency = key.partition("/")
    start = _EPOCH + window * _MINUTE
    ticks = sorted(gathered)
    prices = [price for _, _, price in ticks]
    mean = math.fsum(prices) / len(prices)
    stddev = math.sqrt(math.fsum((price - mean) ** 2 for price in prices) / len(prices))
    numbers = (prices[0], max(prices), min(prices), prices[-1], mean, stddev, len(prices))
    ends = (_time(each).isoformat(timespec="milliseconds") for each in (ticks[0], ticks[-1]))
    line = (coin, currency, start.isoformat(), (start + _MINUTE).isoformat(), *map(str, numbers), *ends)
    return start.strftime("date=%Y-%m-%d/hour=%H"), line


class _File(StatefulSourcePartition[str, None]):
    def __init__(self, files: list[Path]) -> None:
        self._lines = (line for file in files for line in file.open(encoding="utf-8"))

    def next_batch(self) -> list[str]:
        batch = list(islice(self._lines, 1_000))
        if not batch:
            raise StopIteration
        return batch

    def snapshot(self) -> None:
        """Keep no position: the flow starts over."""


class _Lines(FixedPartitionedSource[str, None]):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _File:
        del step_id, for_part, resume_state
        return _File(sorted(self._folder.iterdir()))


class _Tree(StatelessSinkPartition[tuple[str, tuple[str, ...]]]):
    def __init__(self, root: Path, worker: int) -> None:
        self._root = root
        self._name = f"bars-{worker}.csv"
        self._files: dict[str, Any] = {}
        self._writers: dict[str, Any] = {}

    def write_batch(self, items: list[tuple[str, tuple[str, ...]]]) -> None:
        for folder, line in items:
            if folder not in self._writers:
                place = self._root / "interval=1m" / folder
                place.mkdir(parents=True, exist_ok=True)
                self._files[folder] = (place / self._name).open("w", encoding="utf-8", newline="")
                self._writers[folder] = csv.writer(self._files[folder])
                self._writers[folder].writerow(_COLUMNS)
            self._writers[folder].writerow(line)

    def close(self) -> None:
        for file in self._files.values():
            file.close()


class _TreeSink(DynamicSink[tuple[str, tuple[str, ...]]]):
    def __init__(self, root: Path) -> None:
        self._root = root

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Tree:
        del step_id, worker_count
        return _Tree(self._root, worker_index)


def main(source: str, out: str, workers: str) -> None:
    """Run the flow to the end of its input."""
    flow = Dataflow("bars")
    lines = op.input("lines", flow, _Lines(Path(source)))
    ticks = op.filter("ticks", op.map("parse", lines, _parse), lambda keyed: not keyed[0].startswith(_HEARTBEAT))
    clock = EventClock(ts_getter=_time, wait_for_system_duration=_DELAY)
    windows = TumblingWindower(align_to=_EPOCH, length=_MINUTE)
    bars = win.fold_window("bars", ticks, clock, windows, set, _add, set.union)
    op.output("tree", op.map("bar", bars.down, _bar), _TreeSink(Path(out)))
    cluster_main(flow, [], 0, worker_count_per_proc=int(workers))


if __name__ == "__main__":
    main(*sys.argv[1:])
