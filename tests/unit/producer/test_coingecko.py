"""The source and its HTTP client against a server on loopback, over the network."""

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from coingecko.budget import CallBudget, CallsLeft
from coingecko.clock import VirtualClock
from coingecko.http import ApiClient
from pricestream.errors import SettingsError, SourceError
from pricestream.producer_settings import ProducerSettings
from pricestream.settings import Settings
from producer.coingecko import CoinGeckoSource
from producer.market import Market
from producer.quote import Poll
from producer.server import Fault, MarketServer
from producer.simulated import open_simulated
from producer.source import open_source

START = 1_767_603_600_000
SECRET = "CG-very-secret"


class Highest(random.Random):
    """Jitter that always waits as long as it may."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


class Rig:
    """A source, its clock and its server."""

    def __init__(
        self, server: MarketServer, clock: VirtualClock, budget: CallBudget, settings: ProducerSettings
    ) -> None:
        self.server = server
        self.clock = clock
        self.stop = Event()
        session = requests.Session()
        session.trust_env = False
        self.client = ApiClient(
            session,
            server.url,
            budget,
            clock,
            Highest(),
            self.stop,
            key_header=("x-cg-demo-api-key", SECRET),
            key_env="MY_KEY",
            timeout_seconds=settings.coingecko.timeout_seconds,
            max_attempts=settings.coingecko.max_attempts,
        )
        self.source = CoinGeckoSource(self.client, budget, clock, settings, "coingecko")

    def poll(self) -> Poll:
        poll = self.source.poll()
        assert poll is not None
        return poll

    @property
    def elapsed(self) -> float:
        return (self.clock.now_ms() - START) / 1000


@contextmanager
def rig(budget: CallBudget | None = None, **settings: Any) -> Iterator[Rig]:
    clock = VirtualClock(START)
    producer = ProducerSettings.model_validate({"coins": ["bitcoin", "ethereum", "aave"], **settings})
    with MarketServer(Market(7, START, 60), clock) as server:
        yield Rig(server, clock, budget or CallBudget(None, per_minute=None, per_month=None), producer)


def test_a_poll_brings_every_coin_in_every_currency() -> None:
    with rig(vs_currencies=["usd", "eur"]) as it:
        poll = it.poll()
    assert [(quote.coin_id, quote.vs_currency) for quote in poll.quotes] == [
        (coin_id, currency) for coin_id in ("bitcoin", "ethereum", "aave") for currency in ("usd", "eur")
    ]
    assert (poll.clock_ms, poll.coins, poll.calls, poll.warnings) == (START, 3, 1, [])
    expected = Market(7, START, 60).price("ethereum", "eur", START)
    assert expected is not None
    quote = poll.quotes[3]
    assert (quote.price, quote.market_cap, quote.volume_24h, quote.change_24h_pct, quote.event_time) == (
        expected.price,
        expected.market_cap,
        expected.volume_24h,
        expected.change_24h_pct,
        expected.updated_at * 1000,
    )


def test_ids_go_in_batches() -> None:
    with rig(coingecko={"ids_per_call": 2}) as it:
        poll = it.poll()
        assert [quote.coin_id for quote in poll.quotes] == ["bitcoin", "ethereum", "aave"]
        assert poll.calls == 2
        assert len(it.server.requests) == 2


def test_what_did_not_change_at_the_source_is_sent_once() -> None:
    with rig() as it:
        assert len(it.poll().quotes) == 3
        again = it.poll()
        assert (again.quotes, again.coins) == ([], 3)
        it.clock.sleep(60, it.stop)
        assert len(it.poll().quotes) == 3


def test_what_did_not_change_is_sent_again_when_asked() -> None:
    with rig(send_unchanged=True) as it:
        assert it.poll().quotes == it.poll().quotes != []


def test_a_price_without_a_time_is_sent_again_only_when_it_changes() -> None:
    with rig(coins=["aave"]) as it:
        prices = (5, 5, 6)
        it.server.faults += [Fault(body=b'{"aave":{"usd":%d,"last_updated_at":null}}' % price) for price in prices]
        told = []
        for _ in prices:
            told.append([quote.price for quote in it.poll().quotes])
            it.clock.sleep(90, it.stop)
        assert told == [[5.0], [], [6.0]]


def test_missing_coins_are_one_warning_and_the_others_go_on() -> None:
    with rig(coins=["bitcoin", "unheard-of", "aave"], send_unchanged=True) as it:
        polls = [it.poll(), it.poll()]
        it.server.faults.append(Fault(body=b'{"bitcoin":{"usd":null},"aave":{"usd":1}}'))
        polls.append(it.poll())
    assert [poll.warnings for poll in polls] == [
        ["CoinGecko gives no price for unheard-of; the others go on"],
        [],
        ["CoinGecko gives no price for bitcoin in usd, unheard-of; the others go on"],
    ]
    assert [poll.coins for poll in polls] == [2, 2, 1]


def test_an_unknown_currency_is_an_error() -> None:
    with (
        rig(vs_currencies=["usd", "uds"]) as it,
        pytest.raises(SourceError, match="does not know a currency") as caught,
    ):
        it.poll()
    assert caught.value.exit_code == 3


def test_a_currency_that_is_passed_over_in_silence_is_an_error_too() -> None:
    with rig(vs_currencies=["usd", "uds"], coins=["aave"]) as it:
        it.server.faults.append(Fault(body=b'{"aave":{"usd":1,"last_updated_at":1767603600}}'))
        with pytest.raises(SourceError, match=r"producer\.vs_currencies: CoinGecko does not know uds"):
            it.poll()


def test_an_answer_that_is_no_answer_is_a_warning() -> None:
    with rig() as it:
        it.server.faults.append(Fault(body=b"[]"))
        poll = it.poll()
        assert (poll.quotes, poll.calls) == ([], 1)
        assert "not an object of prices" in poll.warnings[0]
        assert it.poll().coins == 3


def test_a_coin_without_any_price_says_nothing_about_the_currency() -> None:
    with rig(coins=["aave"]) as it:
        it.server.faults += [Fault(body=b'{"aave":{}}'), Fault(body=b'{"aave":{}}')]
        assert it.poll().warnings == ["CoinGecko gives no price for aave in usd; the others go on"]
        assert it.poll().calls == 1  # the currency is known by now


@pytest.mark.parametrize("code", [10002, 10010, 10011, 10005])
def test_a_bad_key_is_an_error_that_does_not_show_it(code: int) -> None:
    body = f'{{"status":{{"error_code":{code},"error_message":"wrong: {SECRET}"}}}}'.encode()
    with rig() as it:
        it.server.faults.append(Fault(401, body=body))
        with pytest.raises(SourceError) as caught:
            it.poll()
    assert str(code) in str(caught.value)
    assert SECRET not in str(caught.value)
    assert it.client.calls == 1


def test_the_key_goes_in_a_header_and_never_into_an_echo() -> None:
    with rig() as it:
        it.poll()
        assert it.server.requests[0]["x-cg-demo-api-key"] == SECRET
        it.server.faults.append(Fault(400, body=f'{{"error":"what is {SECRET}?"}}'.encode()))
        with pytest.raises(SourceError, match=r"what is \*\*\*\?"):
            it.poll()


def test_the_key_does_not_follow_a_redirect() -> None:
    with rig() as it:
        it.server.faults.append(Fault(302, {"Location": f"{it.server.url}/ping"}))
        with pytest.raises(SourceError, match="302"):
            it.poll()
        assert len(it.server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429),
        Fault(500, body=b'{"status":500,"error":"Internal Server Error"}'),
        Fault(502, body=b"<html>Bad Gateway</html>"),
        Fault(200, body=b"<html>One moment</html>"),
        Fault(403, body=b"<html>Checking your browser</html>"),
        Fault(404, body=b"<html>Not here</html>"),
        Fault(200, body=b'{"error":"internal error, try later"}'),
        Fault(200, body=b'{"status":{"error_code":429,"error_message":"busy"}}'),
        Fault(cut=True),
    ],
)
def test_what_may_pass_is_tried_again_with_growing_pauses(fault: Fault) -> None:
    with rig() as it:
        it.server.faults += [fault] * 3
        poll = it.poll()
        assert (poll.coins, poll.calls, poll.warnings) == (3, 4, [])
        assert it.elapsed == 1 + 2 + 4


def test_a_slow_answer_is_tried_again() -> None:
    with rig(coingecko={"timeout_seconds": 0.15}) as it:
        it.server.faults.append(Fault(delay_seconds=5))
        assert it.poll().coins == 3
        assert it.elapsed == 1


def test_an_answer_that_trickles_in_is_not_waited_for_to_its_end() -> None:
    with rig(coingecko={"timeout_seconds": 0.2}) as it:
        # Some 30 pieces, each of which comes in time by itself.
        it.server.faults.append(Fault(pause_seconds=0.1))
        poll = it.poll()
        assert (poll.coins, poll.calls) == (3, 2)


def test_an_answer_that_trickles_in_within_its_time_is_one() -> None:
    with rig() as it:
        it.server.faults.append(Fault(pause_seconds=0.005))
        poll = it.poll()
        assert (poll.coins, poll.calls) == (3, 1)


def test_an_answer_without_end_is_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coingecko.http._MAX_BODY_BYTES", 1_000)
    with rig() as it:
        it.server.faults.append(Fault(body=b"[" + b" " * 1_000 + b"]"))
        poll = it.poll()
        assert (poll.coins, poll.calls) == (3, 2)


def test_retry_after_takes_the_place_of_a_pause() -> None:
    with rig() as it:
        it.server.faults += [
            Fault(429, {"Retry-After": "37"}),
            Fault(503, {"Retry-After": "Mon, 05 Jan 2026 09:01:17 GMT"}),
        ]
        assert it.poll().coins == 3
        assert it.elapsed == 77


def test_a_wait_longer_than_a_poll_does_not_hold_up_heartbeats_and_is_kept() -> None:
    with rig(poll_seconds=90) as it:
        it.server.faults.append(Fault(429, {"Retry-After": "3600"}))
        first = it.poll()
        assert (first.quotes, first.calls, it.elapsed) == ([], 1, 0)
        assert first.warnings == ["CoinGecko asks to wait until 2026-01-05T10:00:00Z; the next polls try again"]
        for _ in range(38):
            it.clock.sleep(90, it.stop)
            quiet = it.poll()
            assert (quiet.quotes, quiet.calls, quiet.warnings) == ([], 0, [])
        # The rest of the hour is no longer than a poll, so it is sat out.
        it.clock.sleep(90, it.stop)
        assert it.poll().coins == 3
        assert it.elapsed == 3_600
        assert len(it.server.requests) == 2


def test_it_gives_the_poll_up_after_so_many_attempts_and_goes_on_with_the_next() -> None:
    with rig(coingecko={"max_attempts": 3}) as it:
        it.server.faults += [Fault(500)] * 6
        polls = [it.poll(), it.poll(), it.poll()]
    assert [poll.calls for poll in polls] == [3, 3, 1]
    assert [poll.coins for poll in polls] == [0, 0, 3]
    assert [poll.warnings for poll in polls] == [["CoinGecko answered 500; the next polls try again"], [], []]


def test_nobody_there_is_no_end() -> None:
    with rig(coingecko={"max_attempts": 2}) as it:
        pass
    poll = it.poll()
    assert poll.calls == 2
    assert poll.warnings == ["CoinGecko cannot be reached (ConnectionError); the next polls try again"]


def test_the_first_failure_of_a_series_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with rig(coingecko={"max_attempts": 3}) as it:
        it.server.faults += [Fault(500)] * 5
        for _ in range(2):
            it.poll()
        it.server.faults += [Fault(502)]
        it.poll()
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    # Five failures in a row are one series; after an answer the next is news again.
    assert told == ["CoinGecko answered 500; trying again", "CoinGecko answered 502; trying again"]


def test_attempts_end_with_the_poll_that_they_belong_to() -> None:
    with rig(poll_seconds=5, coingecko={"max_attempts": 100}) as it:
        it.server.faults += [Fault(500)] * 50
        it.poll()
        assert it.client.calls == 4  # after 1, 2 and 4 seconds the time is up


def test_every_attempt_counts_and_the_minute_s_limit_spreads_a_poll(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=2, per_month=100)
    with rig(budget, coingecko={"ids_per_call": 1}) as it:
        it.server.faults.append(Fault(500))
        poll = it.poll()
        # 1 s of pause, then the third call waits for the first to be a minute old, the fourth for the second.
        assert (poll.coins, poll.calls, it.elapsed) == (3, 4, 61)
        assert poll.calls_left == CallsLeft(0, 96)


def test_a_small_budget_reaches_every_coin_in_turn(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=1, per_month=None)
    with rig(budget, poll_seconds=60, coingecko={"ids_per_call": 1}) as it:
        seen = []
        for _ in range(4):
            poll = it.poll()
            seen += [quote.coin_id for quote in poll.quotes]
            it.clock.sleep(30, it.stop)
    assert set(seen) == {"bitcoin", "ethereum", "aave"}


def test_a_month_that_is_used_up_is_one_warning_until_the_next(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=None, per_month=2)
    with rig(budget, poll_seconds=3_600) as it:
        polls = []
        for _ in range(28):
            polls.append(it.poll())
            it.clock.sleep(86_400, it.stop)
    # 5 January 9:00 and 6 January are polled, then nothing until 1 February 9:00, the 28th poll.
    assert [index for index, poll in enumerate(polls) if poll.calls] == [0, 1, 27]
    assert [warning for poll in polls for warning in poll.warnings] == [
        "the month's 2 API calls are used up; it goes on at 2026-02-01T00:00:00Z; the next polls try again"
    ]


def test_a_stop_ends_the_attempts() -> None:
    with rig() as it:
        it.server.faults += [Fault(500)] * 5
        it.stop.set()
        assert it.poll().calls == 1


def test_a_stop_ends_a_wait_for_the_budget(tmp_path: Path) -> None:
    budget = CallBudget(tmp_path / "b", per_minute=1, per_month=None)
    with rig(budget) as it:
        it.poll()
        it.stop.set()
        poll = it.poll()
        assert (poll.calls, poll.warnings) == (0, ["it is told to stop; the next polls try again"])


def test_an_address_that_is_none_is_an_error() -> None:
    with rig() as it:
        it.client._base_url = "nonsense://somewhere"
        with pytest.raises(SourceError, match=r"producer\.coingecko\.base_url"):
            it.poll()


def test_the_server_answers_as_the_api_does() -> None:
    with rig() as it, requests.Session() as session:
        session.trust_env = False
        ping = session.get(f"{it.server.url}/ping", timeout=5)
        assert (ping.status_code, list(ping.json())) == (200, ["gecko_says"])
        nothing = session.get(f"{it.server.url}/simple/price", timeout=5)
        # As recorded from the API: /simple/price without parameters.
        assert (nothing.status_code, nothing.json()) == (422, {"error": "Missing parameter ids"})
        assert session.get(f"{it.server.url}/coins/nowhere", timeout=5).status_code == 404
        bare = session.get(f"{it.server.url}/simple/price?ids=bitcoin,nope&vs_currencies=usd", timeout=5).json()
        assert list(bare) == ["bitcoin"]
        assert list(bare["bitcoin"]) == ["usd"]


def test_a_client_that_was_killed_is_no_trouble_of_the_server_s(capfd: pytest.CaptureFixture[str]) -> None:
    with rig() as it:
        for _ in range(5):
            client = socket.create_connection(("127.0.0.1", int(urlsplit(it.server.url).port or 0)))
            # Half a request, and then a reset, as the system sends it for a process that is gone.
            client.sendall(b"GET /api/v3/ping HT")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert it.poll().coins == 3
    assert capfd.readouterr().err == ""


def test_the_settings_name_the_source(tmp_path: Path) -> None:
    with rig() as it:
        settings = Settings.model_validate(
            {"producer": {"coins": ["aave"], "coingecko": {"base_url": it.server.url, "calls_per_minute": 3}}}
        )
        with open_source(settings, tmp_path, Event()) as source:
            poll = source.poll()
            assert source.name == "coingecko"
            assert not source.clock.instant
    assert poll is not None
    assert (poll.coins, poll.calls_left) == (1, CallsLeft(2, 9_999))
    assert (tmp_path / "budget.json").exists()


def simulated(**more: Any) -> Settings:
    return Settings.model_validate(
        {
            "producer": {
                "source": "simulated",
                "coins": ["bitcoin", "tether"],
                "poll_seconds": 10,
                "simulated": {"hours": 0.5, "refresh_seconds": 10, **more},
            }
        }
    )


def play(settings: Settings) -> list[Poll]:
    polls = []
    with open_source(settings, Path("/nonexistent"), Event()) as source:
        assert source.name == "simulated"
        while (poll := source.poll()) is not None:
            polls.append(poll)
            source.clock.sleep(settings.producer.poll_seconds, Event())
    return polls


def test_a_simulation_is_the_same_every_time_and_closes_its_last_window() -> None:
    polls = play(simulated(start="2026-01-05T09:00:00"))
    assert len(polls) == 180 + 1
    assert all(len(poll.quotes) == 2 for poll in polls[:-1])
    # The last event is in the minute that ends at 9:30; lateness and skew are 7 minutes by default.
    assert polls[-1].quotes == []
    assert polls[-1].clock_ms == START + 30 * 60_000 + 7 * 60_000
    assert play(simulated(start="2026-01-05T10:00:00+01:00")) == polls


def test_a_simulation_without_hours_does_not_end() -> None:
    with open_simulated(simulated(hours=None), Event()) as source:
        source.clock.sleep(10 * 86_400, Event())
        poll = source.poll()
    assert poll is not None
    assert len(poll.quotes) == 2


def test_a_server_that_runs_without_end_keeps_the_latest_requests_only() -> None:
    with rig() as it:
        for number in range(3_000):
            it.server.fault("/ping", {"number": str(number)})
        kept = [int(headers["number"]) for headers in it.server.requests]
    assert kept == list(range(2_000, 3_000))


def test_a_simulation_that_starts_at_no_time_is_an_error() -> None:
    with (
        pytest.raises(SettingsError, match=r"producer\.simulated\.start"),
        open_simulated(simulated(start="soon"), Event()),
    ):
        pass
