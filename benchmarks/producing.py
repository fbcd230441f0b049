"""Producing: records a second, and records a call, of our producer and of a script with one call a record."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.bench import Bench, Benchmark
from benchmarks.command import run
from benchmarks.errors import BenchmarkError
from benchmarks.figure import figure_of
from benchmarks.history import coin_name, make_ticks
from benchmarks.no_op_kinesis import NoOpKinesis, no_op_server
from benchmarks.result import Measured, Result
from benchmarks.turns import Work, take_turns
from faults.stand_in import create_stream, kinesis_client, run_stand_in

_COINS: Final = 1_000
#: One call a record is so much slower that it is given fewer.
_ROWS: Final = {"ours": 50_000, "one PutRecord a record": 3_000}
_QUICK_ROWS: Final = {"ours": 10_000, "one PutRecord a record": 1_000}
_OURS, _SCRIPT = _ROWS
_READ_AT_ONCE: Final = 5_000


@dataclass
class _Side:
    """Who is measured, with how many rows."""

    name: str
    recording: Path
    rows: int
    #: Records a call, of each run.
    a_call: list[float] = field(default_factory=list)


def run_producing(bench: Bench) -> Result:
    """Measure the time from the first look at the recording to the last record's acknowledgement.

    Raises:
        BenchmarkError: a run fails, or other records came than were sent.
    """
    rows = _QUICK_ROWS if bench.is_quick else _ROWS
    size = {f"rows for {name}": count for name, count in rows.items()} | {"coins": _COINS}
    result = Result("producer", PRODUCING.what, size)
    sides = [_Side(name, _write_recording(bench.place, name, count), count) for name, count in rows.items()]
    _measure(bench, "no-op", sides, result, _into_nothing)
    for side in sides:
        against = (_SCRIPT,) if side.name == _OURS else ()
        result.measured.append(Measured("no-op, a call", side.name, figure_of(side.a_call), "records/call", against))
    with run_stand_in(bench.place) as url:
        _measure(bench, "moto", sides, result, partial(_into_moto, url))
    result.checked.append("no-op: as many records came as were sent; moto: every number once, read again from it")
    return result


#: Gives the endpoint and the stream of one run, and checks at its end that so many records of a side came.
_Target = Callable[[_Side], Any]


def _measure(bench: Bench, setting: str, sides: list[_Side], result: Result, target: _Target) -> None:
    work: dict[str, Work] = {each.name: partial(_send, bench, each, target) for each in sides}
    figures = take_turns(work, bench.rounds, said=lambda what: bench.say(f"{setting}, {what}"))
    for name, figure in figures.items():
        result.measured.append(Measured(setting, name, figure, "records/s", (_SCRIPT,) if name == _OURS else ()))


def _send(bench: Bench, side: _Side, target: _Target) -> float:
    with target(side) as place:
        command = _ours(bench, side, place) if side.name == _OURS else _script(side, place)
        report = json.loads(run(command, bench.log))
        place.sent = report["sent"]
    # Heartbeats are records too, but nobody's prices: they cost time and count for nothing.
    return side.rows / float(report["seconds"])


@dataclass
class _Place:
    """Where one run sends to."""

    endpoint: str
    stream: str
    sent: int = 0


def _ours(bench: Bench, side: _Side, place: _Place) -> list[object]:
    state = bench.place / "producer"
    shutil.rmtree(state, ignore_errors=True)
    producer = {
        "id": "bench",
        "source": "replay",
        "poll_seconds": 10,
        "state_dir": str(state),
        "replay": {"path": str(side.recording)},
    }
    tree = {"stream": {"name": place.stream, "endpoint_url": place.endpoint}, "producer": producer}
    config = bench.place / "producer.yaml"
    config.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return [sys.executable, "-m", "benchmarks.programs.produce", config]


def _script(side: _Side, place: _Place) -> list[object]:
    return [sys.executable, "-m", "benchmarks.programs.put_record", side.recording, place.stream, place.endpoint]


@contextmanager
def _into_nothing(side: _Side) -> Iterator[_Place]:
    server, kinesis = no_op_server()
    with server:
        place = _Place(server.url, "bench")
        yield place
    _check(side, place, kinesis)


def _check(side: _Side, place: _Place, kinesis: NoOpKinesis) -> None:
    if kinesis.records != place.sent or place.sent < side.rows:
        raise BenchmarkError(f"{side.name}: {side.rows} rows, {place.sent} sent, {kinesis.records} came")
    side.a_call.append(kinesis.records / kinesis.calls)


@contextmanager
def _into_moto(url: str, side: _Side) -> Iterator[_Place]:
    client = kinesis_client(url)
    create_stream(client, "bench")
    place = _Place(url, "bench")
    try:
        yield place
        numbers = list(_numbers(client, "bench"))
        if sorted(numbers) != list(range(1, place.sent + 1)) or place.sent < side.rows:
            raise BenchmarkError(f"{side.name}: {side.rows} rows, {place.sent} sent, {len(numbers)} on the stream")
    finally:
        client.delete_stream(StreamName="bench")


def _numbers(client: Any, stream: str) -> Iterator[int]:
    """Read the numbers of all records on a stream of one shard."""
    [shard] = client.list_shards(StreamName=stream)["Shards"]
    place = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(**place)["ShardIterator"]
    while records := (answer := client.get_records(ShardIterator=iterator, Limit=_READ_AT_ONCE))["Records"]:
        yield from (int(json.loads(each["Data"])["seq"]) for each in records)
        iterator = answer["NextShardIterator"]


def _write_recording(folder: Path, name: str, rows: int) -> Path:
    made = make_ticks(rows, _COINS, seed=7)
    path = folder / f"{name.replace(' ', '-')}.csv"
    columns = zip(made.event_ms.tolist(), made.price.tolist(), made.coin.tolist(), strict=True)
    lines = (f"{event_ms},{price!r},{coin_name(coin)}\n" for event_ms, price, coin in columns)
    with path.open("w", encoding="utf-8") as out:
        out.write("timestamp_ms,price,coin_id\n")
        out.writelines(line for line, _ in zip(lines, range(rows), strict=False))
    return path


PRODUCING: Final = Benchmark("producer", "a recording onto the stream, without the interpreter's start", run_producing)
