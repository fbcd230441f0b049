"""CoinGecko answers badly: refusals, time-outs, halves, nonsense. Polls go on, and no wrong price is told."""

import json
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Final

import requests

from coingecko.budget import CallBudget
from coingecko.clock import Clock, VirtualClock
from coingecko.http import ApiClient
from faults.drill import Drill, Outcome, Task
from faults.price_answers import ANSWERS, TIMEOUT_SECONDS
from faults.producer_parts import StreamInMemory, run_loop, settings_of
from faults.stream_content import Content
from pricestream import tick
from pricestream.settings import Settings
from producer.coingecko import CoinGeckoSource
from producer.market import Market
from producer.quote import Poll
from producer.server import Fault, MarketServer

_SEED: Final = 7
_REFRESH_SECONDS: Final = 60
_POLL_SECONDS: Final = 90
_COINS: Final = ("bitcoin", "ethereum", "tether", "solana", "pepe", "monero")
_CALLS_A_POLL: Final = 2
_MINUTE_MS: Final = 60_000
_MONTH_ENDS_MS: Final = 1_769_904_000_000
#: How often an answer comes one after the other; more than the client tries.
_REPEATS: Final = (1, 1, 1, 2, 7)


class NotingServer(MarketServer):
    """Notes when it was asked, by the market's own clock, and which bad answers it gave."""

    def __init__(self, market: Market, clock: Clock) -> None:
        """Serve ``market`` at the time that ``clock`` tells."""
        super().__init__(market, clock)
        self.asked_ms: list[int] = []
        self.blocked_until_ms = 0
        self.given = 0

    def fault(self, path: str, headers: Mapping[str, str]) -> Fault:
        """Note the request."""
        now_ms = round(self.now_s() * 1000)
        self.asked_ms.append(now_ms)
        fault = super().fault(path, headers)
        self.given += fault != Fault()
        wish = fault.headers.get("Retry-After", "")
        if wish.isdigit():
            self.blocked_until_ms = max(self.blocked_until_ms, now_ms + int(wish) * 1000)
        return fault


class _Troubled:
    """A source before each of whose polls chance puts bad answers on the server."""

    name: tick.Source = "coingecko"

    def __init__(self, inner: CoinGeckoSource, server: NotingServer, task: Task, per_month: int) -> None:
        self.clock = inner.clock
        self._inner = inner
        self._server = server
        self._task = task
        self._per_month = per_month
        self._left = task.count
        # Each once, and then whatever comes.
        self._kinds = deque(task.rng.sample(sorted(ANSWERS), len(ANSWERS)))
        self.counts: Counter[str] = Counter()
        self.broken: list[str] = []

    def poll(self) -> Poll | None:
        """Poll, after a bad answer at every other one, and see that prices come again afterwards."""
        if not self._left:
            return None
        self._left -= 1
        if self._left % 2 and not self._server.faults:
            self._prepare()
        must_work = not self._server.faults and self._may_ask()
        poll = self._inner.poll()
        if poll is not None and must_work:
            self.counts["polls that nothing disturbed"] += 1
            if poll.coins != len(_COINS):
                self.broken.append(f"an undisturbed poll brought {poll.coins} coins: {poll.warnings}")
        return poll

    def _prepare(self) -> None:
        rng = self._task.rng
        kind = self._kinds.popleft() if self._kinds else rng.choice(sorted(ANSWERS))
        self.counts["kinds of answer"] = len(ANSWERS) - len(self._kinds)
        self._server.faults += [ANSWERS[kind](rng)] * rng.choice(_REPEATS)

    def _may_ask(self) -> bool:
        now_ms = self.clock.now_ms()
        month = calls_by_month(self._server.asked_ms)[_month(now_ms)]
        return now_ms >= self._server.blocked_until_ms and month + _CALLS_A_POLL <= self._per_month


def run(task: Task) -> Outcome:
    """Poll ``task.count`` times, in the middle of which a month ends whose calls are used up before."""
    start_ms = _MONTH_ENDS_MS - task.count * _POLL_SECONDS * 500
    clock = VirtualClock(start_ms)
    market = Market(_SEED, start_ms, _REFRESH_SECONDS)
    per_month = round(0.95 * task.count * _CALLS_A_POLL / 2)
    settings = _settings(per_month)
    stream = StreamInMemory()
    with NotingServer(market, clock) as server, requests.Session() as session:
        session.trust_env = False
        source = _Troubled(_source(settings, session, server, clock, task), server, task, per_month)
        summary = run_loop(settings, task.place / "state", source, stream, VirtualClock(0), task.rng)
    payloads = stream.payloads
    broken = [*source.broken[:3], *Content.of(payloads).broken("p", summary.seq)]
    broken += wrong_prices(payloads, Market(_SEED, start_ms, _REFRESH_SECONDS))
    busiest = busiest_minute(server.asked_ms)
    months = calls_by_month(server.asked_ms)
    if busiest > settings.producer.coingecko.calls_per_minute or max(months.values()) > per_month:
        broken.append(f"{busiest} calls in a minute, {dict(months)} in a month of {per_month}")
    if summary.heartbeats != task.count:
        broken.append(f"{task.count} polls made {summary.heartbeats} heartbeats")
    counts = {
        "bad answers": server.given,
        **source.counts,
        "calls": len(server.asked_ms),
        "in the busiest minute": busiest,
        "in the fullest month": max(months.values()),
        "ticks": summary.ticks,
    }
    return Outcome(counts, tuple(broken))


def _settings(per_month: int) -> Settings:
    api = {"timeout_seconds": TIMEOUT_SECONDS, "ids_per_call": 3, "calls_per_month": per_month}
    return settings_of({"coins": list(_COINS), "poll_seconds": _POLL_SECONDS, "coingecko": api})


def _source(
    settings: Settings, session: requests.Session, server: MarketServer, clock: Clock, task: Task
) -> CoinGeckoSource:
    api = settings.producer.coingecko
    path: Path = task.place / "budget.json"
    budget = CallBudget(path, per_minute=api.calls_per_minute, per_month=api.calls_per_month)
    client = ApiClient(session, server.url, budget, clock, task.rng, Event(), timeout_seconds=api.timeout_seconds)
    return CoinGeckoSource(client, budget, clock, settings.producer, "coingecko")


def wrong_prices(payloads: Sequence[bytes], market: Market) -> list[str]:
    """Name the first tick that says what the market did not say when it was polled; other figures may be null."""
    for record in map(json.loads, payloads):
        if record["price"] is None:
            continue
        right = market.price(record["coin_id"], record["vs_currency"], record["polled_at"])
        if right is None or not _is_right(record, right.price, right.updated_at * 1000):
            return [f"a wrong price was told: {record}, not {right}"]
        if any(record[name] not in (None, getattr(right, name)) for name in ("market_cap", "volume_24h")):
            return [f"a wrong figure was told: {record}, not {right}"]
    return []


def _is_right(record: Mapping[str, Any], price: float, updated_ms: int) -> bool:
    # What comes without a time that makes sense has that of its poll.
    return record["price"] == price and record["event_time"] in (updated_ms, record["polled_at"])


def busiest_minute(asked_ms: Sequence[int]) -> int:
    """Count the calls of the minute, of all that begin with a call, that has most."""
    return max(bisect_left(asked_ms, moment + _MINUTE_MS) - at for at, moment in enumerate(asked_ms))


def calls_by_month(asked_ms: Sequence[int]) -> Counter[str]:
    """Count calls by month (UTC)."""
    return Counter(map(_month, asked_ms))


def _month(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m")


DRILL: Final = Drill(
    name="coingecko-answers",
    fault="CoinGecko refuses, is slow, breaks off, or answers nonsense, at every other poll",
    run=run,
    unit="polls",
    short=160,
    # A day.
    full=960,
)
