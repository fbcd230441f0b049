"""The producer is killed at random calls, and started again until it has finished."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from coingecko.clock import RealClock
from faults.die_at import Moment
from faults.drill import Drill, Outcome, Task
from faults.producer_process import Ended, ProducerProcess, replay_of, write_recording
from faults.stand_in import create_stream, kinesis_client, run_stand_in
from faults.stream_content import Content, TickKey, read_stream
from producer.market import Market
from producer.server import MarketServer

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_ROWS: Final = 250
#: After so many kills a round is let run to its end, and looked at.
_KILLS_A_ROUND: Final = 5
#: A run that polls makes about six calls a poll, and at first a few more.
_CALLS_OF_POLLING: Final = 150
_POLLS_AT_LAST: Final = 5
_PATIENCE_SECONDS: Final = 60.0
_SEED: Final = 7


@dataclass
class _Round:
    """One producer on one stream, killed several times."""

    process: ProducerProcess
    client: "KinesisClient"
    rng: Random
    counts: Counter[str]
    broken: list[str] = field(default_factory=list)

    def kill(self, calls: int) -> None:
        """Start it with a trap at one of its first ``calls`` calls."""
        call, moment = self.rng.randint(1, calls), self.rng.choice(list(Moment))
        ended, tally = self.run(["--call", str(call), "--moment", moment, "--kept", str(self.rng.random())])
        if ended.code == -9 and tally["struck"]:
            self.counts["kills"] += 1
            self.counts[f"at {tally['struck']}"] += 1
            self.counts["torn writes and sends"] += moment is Moment.TORN and tally["struck"] in (
                "write",
                "pwrite",
                "send",
            )
        elif ended.code != 0:
            self.broken.append(f"a run that was to be killed ended with {ended.code}: {ended.last_line}")

    def run(self, options: list[str]) -> tuple[Ended, dict[str, object]]:
        tally = self.process.folder / "tally.json"
        tally.unlink(missing_ok=True)
        below = ["faults.die_at", *options, "--below", str(self.process.state), "--tally", str(tally)]
        ended = self.process.run(through=below)
        return ended, json.loads(tally.read_bytes()) if tally.exists() else {"struck": None, "calls": 0}

    def look(self, ended: Ended, expected: set[TickKey] | None) -> Content:
        """Hold the stream against what was promised, after a run that was not killed."""
        content = Content.of(read_stream(self.client, self.process.stream))
        self.counts["records on the stream"] += content.records
        self.counts["sent twice"] += content.sent_twice
        if ended.code != 0:
            self.broken.append(f"the last start ended with {ended.code}: {ended.last_line}")
        else:
            self.broken += content.broken(self.process.producer_id, self.process.last_seq, expected)
        return content


def run(task: Task) -> Outcome:
    """Kill the producer ``task.count`` times, over rounds that replay a recording and rounds that poll."""
    counts: Counter[str] = Counter({"kills": 0, "records on the stream": 0, "sent twice": 0})
    broken: list[str] = []
    with run_stand_in(task.place) as url:
        client = kinesis_client(url)
        calls = _count_calls(task.place / "undisturbed", url, client, task.rng, broken)
        counts["calls of an undisturbed run"] = calls
        while counts["kills"] < task.count and not broken:
            counts["rounds"] += 1
            name = f"round-{counts['rounds']}"
            kills = min(task.count, counts["kills"] + _KILLS_A_ROUND)
            play = _poll if counts["rounds"] % 2 == 0 else _replay
            play(
                _Round(_process(task.place / name, url, client, task.rng), client, task.rng, counts, broken),
                kills,
                calls,
            )
            task.say(f"{counts['kills']} of {task.count} kills, {counts['records on the stream']:,} records")
    return Outcome(counts, tuple(broken))


def _process(folder: Path, url: str, client: "KinesisClient", rng: Random) -> ProducerProcess:
    folder.mkdir()
    create_stream(client, folder.name, rng.choice((1, 2, 3)))
    return ProducerProcess(folder, url, folder.name)


def _count_calls(folder: Path, url: str, client: "KinesisClient", rng: Random, broken: list[str]) -> int:
    """Run it undisturbed: it must hold what it promises then, too. Give how many calls it makes."""
    it = _Round(_process(folder, url, client, rng), client, rng, Counter(), broken)
    expected = write_recording(folder / "trades.csv", _ROWS, rng)
    it.process.producer.update(replay_of(folder / "trades.csv"))
    ended, tally = it.run([])
    if it.look(ended, expected).sent_twice:
        broken.append("an undisturbed run sends records twice")
    return int(str(tally["calls"]))


def _replay(it: _Round, kills: int, calls: int) -> None:
    expected = write_recording(it.process.folder / "trades.csv", _ROWS, it.rng)
    it.process.producer.update(replay_of(it.process.folder / "trades.csv"))
    while it.counts["kills"] < kills and not it.broken:
        it.kill(calls)
    it.look(it.process.run(), expected)


def _poll(it: _Round, kills: int, _: int) -> None:
    """Poll a market that goes on by itself; what it asked for, too, must have been counted before."""
    market, clock = Market(_SEED, RealClock().now_ms(), 1), RealClock()
    with MarketServer(market, clock) as server:
        api = {"base_url": server.url, "calls_per_minute": 10_000, "refresh_seconds": 1}
        it.process.producer.update({"poll_seconds": 0.02, "coingecko": api, "coins": ["bitcoin", "aave", "dai"]})
        while it.counts["kills"] < kills and not it.broken:
            it.kill(_CALLS_OF_POLLING)
        asked = len(server.paths)
        ended = _end_after(it.process, server, asked + _POLLS_AT_LAST)
        asked = len(server.paths)
    content = it.look(ended, None)
    for coin, currency, event_ms, _number, price in content.ticks:
        given = market.price(coin, currency, event_ms)
        if given is None or (given.price, given.updated_at * 1000) != (price, event_ms):
            it.broken.append(f"the market never gave {coin} at {price} for {event_ms}")
            break
    counted = json.loads((it.process.state / "budget.json").read_bytes())["month_calls"]
    if not content.ticks or counted < asked:
        it.broken.append(f"{counted} calls were counted of {asked} made, which brought {len(content.ticks)} ticks")


def _end_after(process: ProducerProcess, server: MarketServer, asked: int) -> Ended:
    """Let it poll undisturbed for a little while, and stop it in good order."""
    running = process.start()
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(server.paths) < asked and running.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    if running.poll() is None:
        running.terminate()
    return process.wait(running)


DRILL: Final = Drill(
    name="producer-killed",
    fault="the producer is killed at a random call: before, after, or in the midst of a write",
    run=run,
    unit="kills",
    short=3,
    full=100,
)
