"""History, fetched over the network from a server on loopback, on a clock that moves by waiting only."""

import json
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from coingecko.budget import CallBudget
from coingecko.chunk import Chunk, plan_chunks
from coingecko.clock import VirtualClock
from coingecko.estimate import estimate
from coingecko.history import History, IncompleteError, Tally
from coingecko.http import ApiClient
from pricestream.errors import SourceError
from producer.market import Market
from producer.server import Fault, MarketServer

HOUR, DAY = 3_600, 86_400
#: 2026-01-05T09:00:00Z.
MARKET_MS = 1_767_603_600_000
BEGIN = MARKET_MS // 1000
#: 2026-07-24T09:00:00Z: the market is 200 days old.
NOW_MS = MARKET_MS + 200 * DAY * 1000
SECRET = "CG-very-secret"


class Highest(random.Random):
    """Jitter that always waits as long as it may."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


class Files:
    """A store that also tells the order of its writes."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def exists(self, key: str) -> bool:
        return key in self.content

    def write(self, key: str, data: bytes) -> None:
        assert key not in self.content, "fetched again"
        self.content[key] = data


class NotingSession(requests.Session):
    """Notes when each call is made."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.trust_env = False
        self.clock = clock
        self.moments: list[int] = []

    def get(self, *arguments: Any, **more: Any) -> requests.Response:
        self.moments.append(self.clock.now_ms())
        return super().get(*arguments, **more)


class Rig:
    """A fetch with its clock, server, budget and files."""

    def __init__(self, server: MarketServer, clock: VirtualClock, budget: CallBudget, timeout_seconds: float) -> None:
        self.server = server
        self.clock = clock
        self.stop = Event()
        self.files = Files()
        self.session = NotingSession(clock)
        client = ApiClient(
            self.session,
            server.url,
            budget,
            clock,
            Highest(),
            self.stop,
            key_header=("x-cg-demo-api-key", SECRET),
            key_env="MY_KEY",
            timeout_seconds=timeout_seconds,
        )
        self.history = History(client, budget, self.files, clock, self.stop)

    def fetch(self, chunks: list[Chunk], on_step: Callable[[Tally], None] = lambda _: None) -> Tally:
        return self.history.fetch([chunk for chunk in chunks if not self.files.exists(chunk.key)], on_step)

    @property
    def elapsed(self) -> float:
        return (self.clock.now_ms() - NOW_MS) / 1000


@contextmanager
def rig(budget: CallBudget | None = None, timeout_seconds: float = 5) -> Iterator[Rig]:
    clock = VirtualClock(NOW_MS)
    with MarketServer(Market(7, MARKET_MS, HOUR), clock) as server:
        it = Rig(server, clock, budget or CallBudget(None, per_minute=None, per_month=None), timeout_seconds)
        with it.session:
            yield it


def plan(*coins: str, days: int = 160, currencies: tuple[str, ...] = ("usd",)) -> list[Chunk]:
    end_s = BEGIN + days * DAY
    return plan_chunks(coins, currencies, start_s=BEGIN, end_s=end_s, now_s=NOW_MS // 1000)


def asked(server: MarketServer) -> list[str]:
    """The chunks that were asked for, as the server saw them."""
    return [path.removeprefix("/api/v3/coins/") for path in server.paths]


def points(files: Files, coin_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for key in sorted(files.content) for line in files.content[key].splitlines()]
    return [line for line in lines if line["coin_id"] == coin_id]


def test_every_hour_of_the_range_is_there_once() -> None:
    chunks = plan("bitcoin", "aave")
    assert len(chunks) == 6
    with rig() as it:
        tally = it.fetch(chunks)
    assert set(it.files.content) == {chunk.key for chunk in chunks}
    market = Market(7, MARKET_MS, HOUR)
    for coin_id in ("bitcoin", "aave"):
        expected = []
        for moment_ms in range(MARKET_MS, MARKET_MS + 160 * DAY * 1000, HOUR * 1000):
            price = market.price(coin_id, "usd", moment_ms)
            assert price is not None
            expected.append(
                {
                    "coin_id": coin_id,
                    "vs_currency": "usd",
                    "event_time": moment_ms,
                    "price": price.price,
                    "market_cap": price.market_cap,
                    "volume_24h": price.volume_24h,
                }
            )
        assert points(it.files, coin_id) == expected
    assert (tally.fetched, tally.points, tally.empty, tally.left_out) == (6, 2 * 160 * 24, 0, 0)


def test_a_call_asks_in_seconds_for_every_digit_and_leaves_the_interval_to_the_api() -> None:
    with rig() as it:
        it.fetch([Chunk("bitcoin", "usd", BEGIN, BEGIN + DAY)])
        assert asked(it.server) == [
            "bitcoin/market_chart/range?vs_currency=usd&from=1767603600&to=1767690000&precision=full"
        ]
        assert it.server.requests[0]["x-cg-demo-api-key"] == SECRET


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault(429), 1 + 2 + 4),
        (Fault(429, {"Retry-After": "37"}), 3 * 37),
        (Fault(500, body=b'{"status":500,"error":"Internal Server Error"}'), 7),
        (Fault(502, body=b"<html>Bad Gateway</html>"), 7),
        (Fault(200, body=b'{"status":{"error_code":429,"error_message":"busy"}}'), 7),
        (Fault(200, body=b'{"error":"internal error, try later"}'), 7),
        (Fault(cut=True), 7),
        (Fault(drop=True), 7),
    ],
)
def test_what_may_pass_is_tried_again_and_leaves_no_trace(fault: Fault, seconds: float) -> None:
    chunks = plan("bitcoin")
    with rig() as calm:
        calm.fetch(chunks)
    with rig() as it:
        it.server.faults += [Fault(), *[fault] * 3]
        it.fetch(chunks)
        assert len(it.server.paths) == len(chunks) + 3
    assert it.files.content == calm.files.content
    assert it.elapsed == seconds


def test_a_slow_answer_is_tried_again() -> None:
    with rig(timeout_seconds=0.2) as it:
        it.server.faults.append(Fault(delay_seconds=5))
        assert it.fetch(plan("bitcoin", days=10)).fetched == 1
        assert it.elapsed == 1


def test_an_interruption_loses_nothing_and_the_rest_is_fetched_once() -> None:
    chunks = plan("bitcoin", "aave", "dai")
    with rig() as it:

        def stop_after_four(tally: Tally) -> None:
            if tally.fetched == 4:
                it.stop.set()

        with pytest.raises(IncompleteError) as caught:
            it.fetch(chunks, stop_after_four)
        assert str(caught.value) == (
            "it is told to stop; 4 of 9 chunks are fetched, and the same command fetches the rest"
        )
        assert list(it.files.content) == [chunk.key for chunk in chunks[:4]]
        it.stop.clear()
        assert it.fetch(chunks).fetched == 5
        assert len(it.server.paths) == len(set(it.server.paths)) == 9


def test_a_stop_ends_the_retries_of_a_call_and_no_other_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with rig() as it:
        it.server.faults += [Fault(500)] * 9
        ask = it.session.get

        def stop_and_ask(*arguments: Any, **more: Any) -> requests.Response:
            it.stop.set()
            return ask(*arguments, **more)

        monkeypatch.setattr(it.session, "get", stop_and_ask)
        for _ in range(2):
            with pytest.raises(IncompleteError, match="0 of 2 chunks"):
                it.fetch(plan("bitcoin", days=80))
            assert len(it.server.paths) == 1


def test_a_server_that_keeps_failing_is_one_line_and_no_end() -> None:
    with rig() as it:
        it.server.faults += [Fault(), *[Fault(drop=True)] * 6]
        with pytest.raises(IncompleteError) as caught:
            it.fetch(plan("bitcoin"))
        assert str(caught.value) == (
            "CoinGecko cannot be reached (ConnectionError); 1 of 3 chunks are fetched, "
            "and the same command fetches the rest"
        )
        assert it.fetch(plan("bitcoin")).fetched == 2


def test_a_wait_of_hours_is_not_sat_out_but_told() -> None:
    with rig() as it:
        it.server.faults.append(Fault(429, {"Retry-After": "7200"}))
        with pytest.raises(IncompleteError, match=r"asks to wait until 2026-07-24T11:00:00Z; 0 of 3 chunks"):
            it.fetch(plan("bitcoin"))
        assert it.elapsed == 0


def test_an_answer_that_is_no_chart_is_not_kept() -> None:
    with rig() as it:
        it.server.faults.append(Fault(body=b'{"prices":null}'))
        with pytest.raises(IncompleteError, match="no list of prices; 0 of 3 chunks"):
            it.fetch(plan("bitcoin"))
        assert it.files.content == {}


def test_an_empty_answer_is_an_empty_file_and_bad_points_are_counted() -> None:
    with rig() as it:
        it.server.faults += [
            Fault(body=b'{"prices":[],"market_caps":[],"total_volumes":[]}'),
            Fault(body=b'{"prices":[[1768000000000,null],[1768000000000,0]]}'),
        ]
        chunks = plan("bitcoin")
        tally = it.fetch(chunks)
    assert [len(it.files.content[chunk.key]) > 0 for chunk in chunks] == [False, False, True]
    assert (tally.empty, tally.left_out, tally.fetched) == (2, 2, 3)


def test_an_unknown_coin_is_one_warning_and_one_call(caplog: pytest.LogCaptureFixture) -> None:
    chunks = plan("bitcoin", "unheard-of", "aave", currencies=("usd", "eur"))
    steps = []
    with rig() as it:
        tally = it.fetch(chunks, lambda tally: steps.append(tally.done))
        assert sum("unheard-of" in path for path in it.server.paths) == 1
    assert (tally.fetched, tally.passed_over, tally.done, tally.unknown) == (12, 6, 18, {"unheard-of"})
    assert [record.getMessage() for record in caplog.records] == [
        "CoinGecko does not know the coin unheard-of; the others go on"
    ]
    assert steps == list(range(1, 19))


def test_an_unknown_currency_is_an_error() -> None:
    with rig() as it, pytest.raises(SourceError, match="does not know a currency") as caught:
        it.fetch(plan("bitcoin", currencies=("uds",)))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("per_minute", [1, 2, 5])
def test_the_minute_s_budget_is_never_exceeded_and_takes_as_long_as_was_said(per_minute: int) -> None:
    chunks = plan("bitcoin", "aave", "dai", "tether")
    budget = CallBudget(None, per_minute=per_minute, per_month=None)
    said = estimate(calls=len(chunks), kept=0, per_minute=per_minute, left=budget.left(NOW_MS))
    with rig(budget) as it:
        it.fetch(chunks)
        moments = it.session.moments
    assert len(moments) == 12
    assert most_in_a_minute(moments) == per_minute
    assert it.elapsed == said.least_seconds


def test_retries_count_too(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "budget.json", per_minute=3, per_month=100)
    with rig(budget) as it:
        it.server.faults += [Fault(), Fault(500), Fault(429, {"Retry-After": "5"}), Fault(drop=True)] * 3
        it.fetch(plan("bitcoin", "aave", "dai", "tether"))
        moments = it.session.moments
    assert len(moments) == 12 + 9
    assert most_in_a_minute(moments) == 3
    assert json.loads((tmp_path / "budget.json").read_text())["month_calls"] == 21


def most_in_a_minute(moments: list[int]) -> int:
    return max(bisect_left(moments, moment + 60_000) - index for index, moment in enumerate(moments))


def test_a_month_that_is_used_up_ends_it_and_the_next_one_fetches_the_rest(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "budget.json", per_minute=None, per_month=4)
    chunks = plan("bitcoin", "aave")
    with rig(budget) as it:
        for _ in range(2):
            with pytest.raises(IncompleteError) as caught:
                it.fetch(chunks)
        assert str(caught.value) == (
            "the month's 4 API calls are used up; it goes on at 2026-08-01T00:00:00Z; 0 of 2 chunks are fetched, "
            "and the same command fetches the rest"
        )
        assert len(it.server.paths) == 4
        # The last second of the month is not sat out either.
        it.clock.sleep(7 * DAY + 15 * HOUR - 1, it.stop)
        with pytest.raises(IncompleteError, match="used up"):
            it.fetch(chunks)
        it.clock.sleep(1, it.stop)
        assert it.fetch(chunks).fetched == 2
        assert len(it.server.paths) == len(set(it.server.paths)) == 6


def test_a_month_that_is_used_up_by_retries_ends_it_too() -> None:
    with rig(CallBudget(None, per_minute=None, per_month=2)) as it:
        it.server.faults += [Fault(500)] * 6
        with pytest.raises(IncompleteError, match="the month's 2 API calls are used up"):
            it.fetch(plan("bitcoin"))
        assert len(it.server.paths) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(401, body=f'{{"status":{{"error_code":10002,"error_message":"wrong: {SECRET}"}}}}'.encode()),
        Fault(400, body=f'{{"error":"what is {SECRET}?"}}'.encode()),
        Fault(404, body=f'{{"error":"coin not found for {SECRET}"}}'.encode()),
        Fault(429, body=f'{{"status":{{"error_code":429,"error_message":"slow down, {SECRET}"}}}}'.encode()),
        Fault(drop=True),
    ],
)
def test_the_key_is_in_no_file_log_or_error(fault: Fault, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with rig(CallBudget(tmp_path / "budget.json", per_minute=None, per_month=9)) as it:
        it.server.faults += [Fault(), *[fault] * 9]
        try:
            said = repr(it.fetch(plan("bitcoin", "aave")))
        except (IncompleteError, SourceError) as error:
            said = str(error)
        assert it.server.requests[0]["x-cg-demo-api-key"] == SECRET
    kept = b"".join(it.files.content.values()) + (tmp_path / "budget.json").read_bytes()
    assert kept.count(b"\n") > 1_000
    assert SECRET not in said + caplog.text + kept.decode() + " ".join(it.files.content)
