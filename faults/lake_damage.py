"""Lake damage: small files of state that are cut off, empty or nonsense, read by whatever reads them without Spark.

Each is told in one line that names the file and says what to do, or does no harm.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from coingecko.budget import CallBudget
from faults.checkout import LOCAL_SETTINGS
from faults.drill import Drill, Outcome, Task
from jobs.checkpoint import BARS, Checkpoint
from jobs.drivers import read_stream_status
from jobs.lease import Lease
from jobs.maintain_unread import unread_of
from jobs.schedule import Mark
from jobs.status import Status
from jobs.storage import DiskStore
from jobs.tables import log_entry
from pricestream.config import load_settings
from pricestream.errors import StorageError
from pricestream.settings import Settings
from producer.state import open_state

_OWNER: Final = {"producer_id": "p", "stream": "prices"}
_IDENTITY: Final = {"stream": "arn:aws:kinesis:us-east-1:1:stream/prices", "base_interval": "1m"}
_QUERY_ID: Final = "8d8c2f3e-0000-4000-8000-000000000000"
_NUMBER_OF_LOG: Final = 3


@dataclass(frozen=True)
class StateFile:
    """A small file of state."""

    #: Relative to the place of the drill.
    path: str
    #: What it holds, as it should.
    whole: bytes
    #: Reads it, given that place, as the project does.
    read: Callable[[Path], object]
    #: What reading gives where it is whole.
    says: object
    #: It only spares work, so that a damaged one is passed over.
    is_hint: bool = False


def _settings(place: Path) -> Settings:
    names = ("ticks", "bars", "csv", "checkpoint")
    below = [f"job.{name}={place}/{name}" for name in names]
    return load_settings(LOCAL_SETTINGS, [*below, f"job.status_file={place}/status.json"])


def _checkpoint(place: Path) -> Checkpoint:
    return Checkpoint(DiskStore(place / "checkpoint"), f"{place}/checkpoint")


def _stream_status(place: Path) -> object:
    status = read_stream_status(_settings(place))
    return status.is_running, status.watermark_ms


def _unread_dates(place: Path) -> object:
    return unread_of(_settings(place), _NUMBER_OF_LOG, _NUMBER_OF_LOG).dates


def _tidied(place: Path) -> object:
    return Mark(DiskStore(place / "checkpoint"), "tidied.json").read()


def _take_lease(place: Path) -> object:
    Lease(DiskStore(place / "checkpoint"), "the checkpoint", sleep=lambda _: None).take()
    return None


def _open_state(place: Path) -> object:
    with open_state(place / "producer", **_OWNER):
        return None


def _calls_left(place: Path) -> object:
    budget = CallBudget(place / "producer" / "budget.json", per_minute=5, per_month=100)
    return budget.left(1_767_603_600_000).month


def _offset_log() -> bytes:
    about = {"batchWatermarkMs": 1_767_603_600_123, "batchTimestampMs": 1, "conf": {}}
    offset = {"sourceVersion": 1, "reservoirId": "r", "reservoirVersion": 17, "index": -1, "isStartingVersion": False}
    return f"v1\n{json.dumps(about)}\n{json.dumps(offset)}".encode()


def _delta_log() -> bytes:
    add = {"path": "x.parquet", "partitionValues": {"date": "2026-01-05"}, "dataChange": True}
    return f"{json.dumps({'commitInfo': {'timestamp': 1}})}\n{json.dumps({'add': add})}\n".encode()


def _batch(place: Path) -> object:
    batch = _checkpoint(place).micro_batch(BARS, 3)
    return batch and (batch.watermark_ms, batch.version, batch.is_snapshot)


FILES: Final = (
    StateFile(
        "checkpoint/identity.json",
        json.dumps(_IDENTITY, indent=1).encode(),
        lambda place: _checkpoint(place).claim(_IDENTITY),
        None,
    ),
    StateFile("checkpoint/bars_checked.json", b'{"batch": 41}', lambda place: _checkpoint(place).checked_through(), 41),
    StateFile(
        "checkpoint/bars_closed.json", b'{"through_s": 60}', lambda place: _checkpoint(place).closed_through_s(), 60
    ),
    StateFile(
        "checkpoint/bars_backfilled.json",
        b'{"through_s": 90}',
        lambda place: _checkpoint(place).backfilled_through_s(),
        90,
    ),
    StateFile(
        "checkpoint/bars/metadata",
        json.dumps({"id": _QUERY_ID}).encode(),
        lambda place: _checkpoint(place).query_id(BARS),
        _QUERY_ID,
    ),
    StateFile("checkpoint/bars/offsets/3", _offset_log(), _batch, (1_767_603_600_123, 17, False)),
    StateFile("checkpoint/tidied.json", b'{"begun_s": 1767603600.5}', _tidied, 1_767_603_600.5, is_hint=True),
    StateFile("checkpoint/lease.json", b'{"holder": "process 1 on h"}', _take_lease, None, is_hint=True),
    StateFile("status.json", Status("running", watermark_ms=7).to_json(), _stream_status, (True, 7)),
    StateFile(f"ticks/{log_entry(_NUMBER_OF_LOG)}", _delta_log(), _unread_dates, frozenset({date(2026, 1, 5)})),
    StateFile("producer/owner.json", json.dumps(_OWNER).encode(), _open_state, None),
    StateFile(
        "producer/budget.json",
        b'{"month": "2026-01", "month_calls": 7, "recent_ms": [], "blocked_until_ms": 0}',
        _calls_left,
        93,
    ),
)

#: What becomes of a file, given what it held. Each leaves something that it may never hold.
DAMAGES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "empty": lambda _: b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "zeros, as a power cut may leave": lambda whole: bytes(len(whole)),
    "binary": lambda _: bytes(range(256)),
    "a list": lambda _: b"[1, 2]",
    "null": lambda _: b"null",
    "a number": lambda _: b"17",
    "lines of lists": lambda _: b"[]\n[]\n[]",
    "without what it should say": lambda _: b'{"add": {}}\n{"commitInfo": {}}\n{}',
    "nested without end": lambda _: b"[" * 100_000,
}


def judge(place: Path, file: StateFile, data: bytes) -> str | None:
    """Read a file that holds ``data``, which it should not. Gives what is wrong with what came of it."""
    path = place / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        file.read(place)
    except StorageError as error:
        text = str(error)
        if file.is_hint:
            return f"{file.path}: is no reason to fail: {text}"
        is_clear = (
            (str(path) in text or f"{path.parent}:" in text or f"{path.parent} " in text)
            and "\n" not in text
            and ";" in text
        )
        return None if is_clear else f"{file.path}: it does not say which file, or what to do: {text}"
    except Exception as error:  # noqa: BLE001 - what would be a traceback
        return f"{file.path}: {type(error).__name__}: {error}"
    return None if file.is_hint else f"{file.path}: is taken for whole"


def _run(task: Task) -> Outcome:
    counts: Counter[str] = Counter()
    broken: list[str] = []
    for file in FILES:
        for name, damage in DAMAGES.items():
            counts["files damaged"] += 1
            if wrong := judge(task.place, file, damage(file.whole)):
                broken.append(f"{name}: {wrong}")
    for file, data in _at_random(task):
        counts["files damaged at random"] += 1
        wrong = judge(task.place, file, data)
        # A byte that was changed may well leave a file that says something else.
        if wrong and "is taken for whole" not in wrong:
            broken.append(f"{data[:60]!r}: {wrong}")
    return Outcome(counts, tuple(broken))


def _at_random(task: Task) -> Iterator[tuple[StateFile, bytes]]:
    for _ in range(task.count):
        file = task.rng.choice(FILES)
        data = bytearray(file.whole)
        for _ in range(task.rng.randint(1, 3)):
            at = task.rng.randrange(len(data))
            data[at : at + task.rng.randint(0, 4)] = task.rng.randbytes(task.rng.randint(0, 3))
            data = data or bytearray(b" ")
        yield file, bytes(data)


DRILL: Final = Drill(
    name="lake-damage",
    fault="a small file of state is cut off, empty or nonsense",
    run=_run,
    unit="random damages",
    short=300,
    full=20_000,
)
