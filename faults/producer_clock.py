"""The producer's clock is wrong for a while: an hour or a day back or ahead, in 1970, in 9999."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Final

import requests

from coingecko.budget import CallBudget
from coingecko.clock import VirtualClock
from coingecko.http import ApiClient
from faults.drill import Drill, Outcome, Task
from faults.producer_parts import StreamInMemory, run_loop, settings_of
from faults.stream_content import Content
from pricestream import tick
from pricestream.tick import CLOCK_SKEW_SECONDS
from producer import sink
from producer.coingecko import CoinGeckoSource
from producer.market import Market
from producer.quote import Poll
from producer.server import Fault, MarketServer
from producer.spool import Record

_SEED: Final = 7
_START_MS: Final = 1_767_603_600_000
_POLL_SECONDS: Final = 60
_COINS: Final = ("bitcoin", "ethereum", "solana")
#: Of each of the two runs.
_POLLS: Final = 12
#: Nothing that the producer waits for takes longer.
_LONGEST_SLEEP_SECONDS: Final = 10 * _POLL_SECONDS
_HOUR_MS: Final = 3_600_000


def _at(year: int) -> int:
    return round(datetime(year, 12, 31, 23, tzinfo=UTC).timestamp()) * 1000


#: How far the clock is off, in milliseconds.
WRONG: Final[Mapping[str, int]] = {
    "an hour back": -_HOUR_MS,
    "a day back": -24 * _HOUR_MS,
    "an hour ahead": _HOUR_MS,
    "a day ahead": 24 * _HOUR_MS,
    "a month ahead": 31 * 24 * _HOUR_MS,
    "in 1970": -_START_MS,
    "in 9999": _at(9999) - _START_MS,
}


class SleeperError(Exception):
    """The producer would sleep for an hour, a day or for ever."""


class WrongClock:
    """Tells the time wrongly; what it lets pass is time all the same."""

    def __init__(self, true: VirtualClock) -> None:
        """Be right at first."""
        self._true = true
        self.off_ms = 0

    @property
    def instant(self) -> bool:
        """Each poll is sent by itself, as in life."""
        return False

    def now_ms(self) -> int:
        """Give the wrong time in epoch milliseconds UTC."""
        return max(0, self._true.now_ms() + self.off_ms)

    def sleep(self, seconds: float, stop: Event) -> None:
        """Let ``seconds`` pass.

        Raises:
            SleeperError: they are far too many.
        """
        if seconds > _LONGEST_SLEEP_SECONDS:
            raise SleeperError(f"the producer would sleep for {seconds:,.0f} s")
        self._true.sleep(seconds, stop)


class _Unsteady(StreamInMemory):
    """A stream that cannot be reached now and then, so that there are pauses that a clock may stretch."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self._rng = task.rng

    def put(self, records: list[Record], stop: Event) -> sink.Outcome:
        if self._rng.random() < 0.2:
            return sink.Outcome(records, "out of reach", reachable=False)
        return super().put(records, stop)


class _Source:
    """Polls, and sets the clock wrong before one poll, and right before a later one."""

    name: tick.Source = "coingecko"

    def __init__(self, inner: CoinGeckoSource, true: VirtualClock, clock: WrongClock, steps: Mapping[int, int]) -> None:
        self.clock = clock
        self._inner = inner
        self._true = true
        self._steps = steps
        #: When it was asked, by the true clock, and what it gave.
        self.polls: list[tuple[int, Poll]] = []

    def poll(self) -> Poll | None:
        if len(self.polls) == _POLLS:
            return None
        moment = self._true.now_ms()
        self.clock.off_ms = self._steps.get(len(self.polls), self.clock.off_ms)
        poll = self._inner.poll()
        if poll is not None:
            self.polls.append((moment, poll))
        return poll


def run(task: Task) -> Outcome:
    """Set the clock wrong in each way, ``task.count`` times."""
    counts: Counter[str] = Counter()
    broken: list[str] = []
    for number in range(1, task.count + 1):
        for way, off_ms in WRONG.items():
            for has_wish in (False, True):
                folder = task.place / f"{way} {number} {has_wish}"
                broken += [f"{way}: {line}" for line in _go_wrong(task, folder, off_ms, counts, has_wish=has_wish)]
    return Outcome(counts, tuple(broken))


def _go_wrong(task: Task, folder: Path, off_ms: int, counts: Counter[str], *, has_wish: bool) -> list[str]:
    """Be right, wrong and right again; where ``has_wish``, the server asks to wait just as the clock goes wrong."""
    true = VirtualClock(_START_MS)
    clock = WrongClock(true)
    market = Market(_SEED, _START_MS, _POLL_SECONDS)
    stream = _Unsteady(task)
    polls: list[tuple[int, Poll]] = []
    # The wish is for the first three polls.
    wrong, right = 1 if has_wish else task.rng.randint(1, 9), task.rng.randint(2, 9)
    with MarketServer(market, true) as server, requests.Session() as session:
        session.trust_env = False
        # The producer is started anew while its clock is wrong, and it comes right in the second run.
        for steps in ({wrong: off_ms}, {right: 0}):
            if has_wish:
                server.faults.append(Fault(429, {"Retry-After": "150"}))
            source = _Source(_inner(folder, session, server, clock, task), true, clock, steps)
            settings = settings_of({"poll_seconds": _POLL_SECONDS, "coins": list(_COINS), "send_unchanged": True})
            try:
                summary = run_loop(settings, folder / "state", source, stream, clock, task.rng)
            except SleeperError as error:
                return [str(error)]
            polls += source.polls
    counts["polls on a wrong clock"] += sum(poll.clock_ms != moment for moment, poll in polls)
    counts["polls"] += len(polls)
    return [
        *Content.of(stream.payloads).broken("p", summary.seq),
        *_look_at_polls(polls, counts),
        *_look_at_prices(stream.payloads, market, counts),
        *_look_at_heartbeats(stream.payloads, polls),
    ]


def _inner(
    folder: Path, session: requests.Session, server: MarketServer, clock: WrongClock, task: Task
) -> CoinGeckoSource:
    folder.mkdir(exist_ok=True, parents=True)
    settings = settings_of({"poll_seconds": _POLL_SECONDS, "coins": list(_COINS), "send_unchanged": True}).producer
    # As many calls as all polls of both runs need, and those that are refused.
    budget = CallBudget(folder / "budget.json", per_minute=5, per_month=2 * _POLLS + 20)
    return CoinGeckoSource(
        ApiClient(session, server.url, budget, clock, task.rng, Event()), budget, clock, settings, "coingecko"
    )


def _look_at_polls(polls: list[tuple[int, Poll]], counts: Counter[str]) -> list[str]:
    """Polls go on in true time, and bring prices but for the three minutes that the server asked for."""
    gaps = [after - before for (before, _), (after, _) in pairwise(polls)]
    counts["longest wait for a poll, s"] = max(counts["longest wait for a poll, s"], max(gaps) // 1000)
    without = [poll for _, poll in polls if not poll.coins]
    counts["polls without prices"] += len(without)
    broken = []
    if max(gaps) > 2 * _POLL_SECONDS * 1000 or len(polls) != 2 * _POLLS:
        broken.append(f"{len(polls)} polls, {max(gaps) / 1000:.0f} s apart")
    # Twice the server asks for 150 seconds, from the first poll of a run on.
    if len(without) > 2 * 3:
        broken.append(f"{len(without)} of {len(polls)} polls brought nothing: {[each.warnings for each in without]}")
    return broken


def _look_at_prices(payloads: list[bytes], market: Market, counts: Counter[str]) -> list[str]:
    """Whatever the producer's clock said: a price has the time that CoinGecko gave it."""
    for record in map(json.loads, payloads):
        if record["price"] is None:
            continue
        counts["ticks"] += 1
        right = market.price(record["coin_id"], record["vs_currency"], record["event_time"])
        if right is None or (right.price, right.updated_at * 1000) != (record["price"], record["event_time"]):
            return [f"{record} is not what the market said then: {right}"]
    return []


def _look_at_heartbeats(payloads: list[bytes], polls: list[tuple[int, Poll]]) -> list[str]:
    """One a poll: it goes back only with a clock that does so by more than the stream takes, and comes right again."""
    skew_ms = CLOCK_SKEW_SECONDS * 1000
    beats = [record["event_time"] for record in map(json.loads, payloads) if record["price"] is None]
    clocks = [poll.clock_ms for _, poll in polls]
    if len(beats) != len(clocks):
        return [f"{len(polls)} polls made {len(beats)} heartbeats"]
    broken = [
        f"a heartbeat goes back from {before} to {after}"
        for (before, after), clock in zip(pairwise(beats), clocks[1:], strict=True)
        if after < before <= clock + skew_ms
    ]
    off = [at for at, (beat, clock) in enumerate(zip(beats, clocks, strict=True)) if not 0 <= beat - clock <= skew_ms]
    if off:
        broken.append(f"{len(off)} heartbeats are not what the clock said, the first is number {off[0] + 1}")
    return broken


DRILL: Final = Drill(
    name="producer-clock",
    fault="the producer's clock is an hour, a day or an age off for a while, and then right again",
    run=run,
    unit="times each way",
    short=1,
    full=50,
)
