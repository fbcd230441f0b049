"""The loop, the sender and the spool together; the stream is a list that can be made to fail."""

import json
import logging
import os
import random
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from coingecko.budget import CallsLeft
from coingecko.clock import VirtualClock
from pricestream.errors import SourceError, StorageError, StreamError
from pricestream.settings import Settings
from pricestream.tick import Tick
from producer.loop import Loop
from producer.quote import Poll, Quote
from producer.replay import ReplaySource
from producer.sender import Sender
from producer.sink import Outcome
from producer.source import Source
from producer.spool import Record, Spool
from producer.summary import Summary, SummaryFile

T0 = 1_700_000_040_000


class Stream:
    """A stream in memory; ``plan`` says for each put how many of its last records fail."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.plan: list[int] = []
        self.puts: list[list[int]] = []
        self.not_ready: list[str] = []
        self.created: list[bool] = []

    def prepare(self, *, create: bool) -> str:
        self.created.append(create)
        return self.not_ready.pop(0) if self.not_ready else ""

    def put(self, records: list[Record], stop: Event) -> Outcome:  # noqa: ARG002
        self.puts.append([record.seq for record in records])
        failing = min(self.plan.pop(0), len(records)) if self.plan else 0
        good = len(records) - failing
        self.records += records[:good]
        return Outcome(records[good:], "busy" if failing else "")

    @property
    def seqs(self) -> list[int]:
        return [record.seq for record in self.records]


class Prices:
    """A source of canned polls on a clock that takes no time, or one that does."""

    name: Any = "coingecko"

    def __init__(self, polls: list[Poll | Exception], *, instant: bool = False) -> None:
        self.clock: Any = VirtualClock(T0) if instant else _Unhurried(T0)
        self._polls = iter(polls)
        self.asked = 0
        self.asked_at: list[int] = []

    def poll(self) -> Poll | None:
        self.asked += 1
        self.asked_at.append(self.clock.now_ms())
        poll = next(self._polls, None)
        if isinstance(poll, Exception):
            raise poll
        return poll


class _Unhurried(VirtualClock):
    @property
    def instant(self) -> bool:
        return False


class Rig:
    def __init__(self, folder: Path, prices: Source, **settings: Any) -> None:
        self.settings = Settings.model_validate({"producer": {"id": "p", "poll_seconds": 10, **settings}})
        self.real = _Unhurried(0)
        self.stop = Event()
        self.stream = Stream()
        self.folder = folder
        self.spool = Spool(folder / "spool", self.settings.producer.spool.max_megabytes * 1_000_000)
        self.sender = Sender(self.spool, self.stream, self.real, self.stop, random.Random(3), create_stream=True)
        file = SummaryFile(folder / "summary.json", self.real)
        self.loop = Loop(self.settings, prices, self.spool, self.sender, file, self.real, self.stop)

    def run(self) -> Summary:
        return self.loop.run()

    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return content


def quotes(clock_ms: int, *coins: str) -> list[Quote]:
    return [Quote(coin_id, "usd", 1.5, clock_ms - 1_000, clock_ms, event_seq=4) for coin_id in coins]


def poll(offset_ms: int, *coins: str, **more: Any) -> Poll:
    return Poll(T0 + offset_ms, quotes(T0 + offset_ms, *coins), coins=len(coins), **more)


def test_each_poll_puts_its_ticks_and_a_heartbeat_on_the_stream(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([poll(0, "bitcoin", "aave"), poll(10_000)]))
    rig.run()
    sent = [json.loads(record.data) for record in rig.stream.records]
    common = {"v": 1, "producer_id": "p", "source": "coingecko"}
    nothing = {"market_cap": None, "volume_24h": None, "change_24h_pct": None}
    price = {"vs_currency": "usd", "price": 1.5, "event_time": T0 - 1_000, "polled_at": T0, "event_seq": 4}
    beat = {"coin_id": "_heartbeat", "vs_currency": "_heartbeat", "price": None, "event_seq": None}
    assert sent == [
        {**common, **nothing, **price, "coin_id": "bitcoin", "seq": 1},
        {**common, **nothing, **price, "coin_id": "aave", "seq": 2},
        {**common, **nothing, **beat, "event_time": T0, "polled_at": T0, "seq": 3},
        {**common, **nothing, **beat, "event_time": T0 + 10_000, "polled_at": T0 + 10_000, "seq": 4},
    ]
    assert [record.partition_key for record in rig.stream.records] == ["bitcoin", "aave", "_heartbeat", "_heartbeat"]
    assert rig.stream.puts == [[1, 2, 3], [4]]
    assert rig.stream.created == [True]


def test_the_summary_counts_what_happened(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([poll(0, "bitcoin", calls=2), poll(10_000, "bitcoin", "aave", calls=1), poll(20_000)]))
    rig.run()
    assert rig.summary() == {
        "producer_id": "p",
        "source": "coingecko",
        "first_seq": 1,
        "seq": 6,
        "ticks": 3,
        "heartbeats": 3,
        "sent": 6,
        "spooled": 0,
        "first_event_ms": T0 - 1_000,
        "last_event_ms": T0 + 9_000,
        "last_heartbeat_ms": T0 + 20_000,
        "polls": 3,
        "api_calls": 3,
        "api_refusals": 0,
        "calls_left": None,
        "finished": True,
        "updated_ms": rig.real.now_ms(),
    }


def test_every_poll_is_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "producer")
    Rig(tmp_path, Prices([poll(0, "a", "b", calls_left=CallsLeft(4, 9_999)), poll(10_000, "a")])).run()
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("poll ")]
    first, second = lines
    assert first == (
        "poll 1 at 2023-11-14T22:14:00Z: coins 2, ticks 2, sent 3, failed 0, spooled 0, "
        "budget left 4 this minute, 9999 this month"
    )
    assert second.endswith(
        "coins 1, ticks 1, sent 2, failed 0, spooled 0, budget left unlimited this minute, unlimited this month"
    )


def test_an_instant_source_fills_its_calls(tmp_path: Path) -> None:
    polls: list[Poll | Exception] = [poll(10_000 * index, "a", "b", "c") for index in range(300)]
    rig = Rig(tmp_path, Prices(polls, instant=True))
    rig.run()
    assert [len(put) for put in rig.stream.puts] == [500, 500, 200]
    assert rig.stream.seqs == list(range(1, 1_201))


def test_polls_keep_to_a_grid_and_pass_over_what_they_missed(tmp_path: Path) -> None:
    source = Prices([poll(0), poll(10_000), poll(20_000), poll(60_000)])
    original = source.poll

    def slow() -> Poll | None:
        result = original()
        source.clock.sleep({2: 4, 3: 35}.get(source.asked, 0), Event())
        return result

    source.poll = slow  # type: ignore[method-assign]
    Rig(tmp_path, source).run()
    assert [moment - T0 for moment in source.asked_at] == [0, 10_000, 20_000, 60_000, 70_000]


def test_a_clock_that_is_set_back_does_not_turn_the_heartbeat_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([poll(50_000), poll(10_000), poll(60_000)]))
    rig.run()
    assert [json.loads(record.data)["event_time"] - T0 for record in rig.stream.records] == [50_000, 50_000, 60_000]


def test_a_clock_that_was_far_ahead_for_a_while_does_not_hold_the_heartbeat_there(tmp_path: Path) -> None:
    # The stream takes nothing that is more than two minutes ahead of itself: such heartbeats would close nothing.
    ahead = 86_400_000
    rig = Rig(tmp_path, Prices([poll(0), poll(ahead), poll(20_000), poll(30_000)]))
    rig.run()
    beats = [json.loads(record.data)["event_time"] - T0 for record in rig.stream.records]
    assert beats == [0, ahead, 20_000, 30_000]


def test_a_period_of_less_than_a_millisecond_is_one(tmp_path: Path) -> None:
    source = Prices([poll(0), poll(1)])
    Rig(tmp_path, source, poll_seconds=0.0001).run()
    assert [moment - T0 for moment in source.asked_at] == [0, 1, 2]


def test_a_clock_that_is_set_back_does_not_stop_the_polls(tmp_path: Path) -> None:
    source = Prices([poll(10_000 * index) for index in range(4)])
    original = source.poll

    def turned_back() -> Poll | None:
        result = original()
        if source.asked == 2:
            source.clock._ms -= 3_600_000
        return result

    source.poll = turned_back  # type: ignore[method-assign]
    Rig(tmp_path, source).run()
    back = 10_000 - 3_600_000
    asked = [moment - T0 for moment in source.asked_at]
    assert asked == [0, 10_000, back + 10_000, back + 20_000, back + 30_000]


@pytest.mark.parametrize("waits", [True, False])
def test_a_clock_that_is_set_back_does_not_stop_the_sending(tmp_path: Path, waits: bool) -> None:
    rig = Rig(tmp_path, Prices([]))
    rig.spool.append(waiting(3))
    rig.real.sleep(7_200, Event())
    rig.stream.plan = [1]
    assert rig.sender.send().failed == 1
    rig.real._ms -= 3_600_000
    begin = rig.real.now_ms()
    while rig.spool.pending and rig.real.now_ms() < begin + 60_000:
        if waits:
            rig.sender.wait()
        else:
            rig.real.sleep(1, Event())
        rig.sender.send()
    assert rig.spool.pending == 0
    # The longest pause after a failure is half a minute; a look a second sees that a second late.
    assert rig.real.now_ms() - begin <= 31_000


def test_what_fails_stays_and_is_sent_again_alone_and_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path, Prices([poll(0, "a", "b"), poll(10_000, "a"), poll(20_000)]))
    rig.stream.plan = [2, 1]
    summary = rig.run()
    assert rig.stream.puts == [[1, 2, 3], [2, 3], [3], [4, 5, 6]]
    assert rig.stream.seqs == [1, 2, 3, 4, 5, 6]
    assert (summary.sent, summary.spooled) == (6, 0)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [
        "sending fails for now (busy); ticks are kept on disk and sent later",
        "the source has ended; 6 ticks still wait for the stream",
        "sending works again after 2 failed attempts",
    ]


def test_nothing_is_sent_that_a_power_cut_could_take_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path, Prices([poll(10_000 * index, "a") for index in range(3)]))
    synced: list[int] = []
    fsync, put = os.fsync, rig.stream.put

    def note_fsync(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(rig.spool.next_seq - 1)

    def checked_put(records: list[Record], stop: Event) -> Outcome:
        assert synced[-1] >= records[-1].seq
        return put(records, stop)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(rig.stream, "put", checked_put)
    rig.run()
    assert rig.stream.seqs == [1, 2, 3, 4, 5, 6]


def test_what_was_sent_in_part_before_a_crash_is_sent_again(tmp_path: Path) -> None:
    first = Rig(tmp_path, Prices([poll(0, "a", "b"), RuntimeError("crash")]))
    first.stream.plan = [1, 1, 1, 1]
    with pytest.raises(RuntimeError):
        first.run()
    assert first.stream.seqs == [1, 2]
    second = Rig(tmp_path, Prices([]))
    second.run()
    assert second.stream.seqs == [1, 2, 3]


def test_a_stream_that_is_missing_shows_before_the_first_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Prices([poll(0, "a")])
    rig = Rig(tmp_path, source)

    def missing(*, create: bool) -> str:
        raise StreamError(f"no stream, create is {create}")

    monkeypatch.setattr(rig.stream, "prepare", missing)
    with pytest.raises(StreamError, match="create is True"):
        rig.run()
    assert source.asked == 0


def test_polling_goes_on_while_the_stream_cannot_be_reached(tmp_path: Path) -> None:
    source = Prices([poll(10_000 * index, "a") for index in range(5)])
    rig = Rig(tmp_path, source)
    rig.stream.not_ready = ["nobody there"] * 7
    rig.run()
    assert source.asked == 6
    assert rig.stream.seqs == list(range(1, 11))
    assert rig.stream.puts == [list(range(1, 11))]


def test_what_an_earlier_run_left_is_sent_first_under_the_same_numbers(tmp_path: Path) -> None:
    first = Rig(tmp_path, Prices([poll(0, "a"), StreamError("gone")]))
    first.stream.not_ready = ["down"] * 2
    with pytest.raises(StreamError):
        first.run()
    assert first.summary()["spooled"] == 2
    assert first.summary()["finished"] is False
    left = [record.data for record in first.spool.peek(9)]
    first.spool.close()
    second = Rig(tmp_path, Prices([poll(50_000, "b")]))
    summary = second.run()
    assert second.stream.puts == [[1, 2], [3, 4]]
    assert [record.data for record in second.stream.records[:2]] == left
    assert (summary.first_seq, summary.seq, summary.ticks, summary.sent) == (3, 4, 1, 4)


def test_a_full_spool_stops_polling_says_so_once_and_drops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = Prices([poll(10_000 * index, *(f"coin-{n}" for n in range(20))) for index in range(6)], instant=True)
    rig = Rig(tmp_path, source, spool={"max_megabytes": 0.012})
    rig.stream.not_ready = ["down"] * 12
    rig.run()
    assert rig.stream.seqs == list(range(1, 6 * 21 + 1))
    full = [record.getMessage() for record in caplog.records if "spool is full" in record.getMessage()]
    assert len(full) == 1
    assert "max_megabytes 0.012" in full[0]


def test_a_stop_while_the_spool_is_full_ends_the_run_and_keeps_the_ticks(tmp_path: Path) -> None:
    source = Prices([poll(0, *(f"coin-{n}" for n in range(99)))] * 50)
    rig = Rig(tmp_path, source, spool={"max_megabytes": 0.01})
    rig.stream.not_ready = ["down"] * 1_000

    class StopsAfterAWhile(_Unhurried):
        def sleep(self, seconds: float, stop: Event) -> None:
            super().sleep(seconds, stop)
            if self.now_ms() > 600_000:
                rig.stop.set()

    rig.sender._clock = StopsAfterAWhile(0)
    summary = rig.run()
    assert source.asked == 1
    assert (summary.finished, summary.spooled, rig.spool.pending) == (True, 100, 100)


def test_a_stop_flushes(tmp_path: Path) -> None:
    class Stopping(Prices):
        def poll(self) -> Poll | None:
            if self.asked == 1:
                rig.stop.set()
            return super().poll()

    rig = Rig(tmp_path, Stopping([poll(10_000 * index, "a") for index in range(9)], instant=True))
    summary = rig.run()
    assert rig.stream.seqs == [1, 2, 3, 4]
    assert (summary.finished, summary.polls) == (True, 2)


def test_a_flush_does_not_wait_for_ever(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([poll(0, "a")]))
    rig.stop.set()
    rig.spool.append([quotes(T0, "a")[0].numbered(producer_id="p", seq=1, source="coingecko")])
    rig.stream.not_ready = ["down"] * 1_000
    summary = rig.run()
    assert summary.spooled == 1
    assert 8_000 <= rig.real.now_ms() <= 10_000


def waiting(count: int) -> list[Tick]:
    return [quotes(T0, "a")[0].numbered(producer_id="p", seq=seq, source="coingecko") for seq in range(1, count + 1)]


def make_puts_slow(rig: Rig, *, stop_at: int) -> None:
    """Let every put take a second, and let the stop come during put number ``stop_at``."""
    put = rig.stream.put

    def slow(records: list[Record], stop: Event) -> Outcome:
        rig.real.sleep(1, Event())
        outcome = put(records, stop)
        if len(rig.stream.puts) == stop_at:
            rig.stop.set()
        return outcome

    rig.stream.put = slow  # type: ignore[method-assign]


@pytest.mark.parametrize("stop_at", [0, 3])
def test_a_flush_of_a_long_spool_ends_in_time_and_says_what_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stop_at: int
) -> None:
    rig = Rig(tmp_path, Prices([]))
    rig.spool.append(waiting(10_000))
    make_puts_slow(rig, stop_at=stop_at)
    if stop_at == 0:
        rig.stop.set()
    summary = rig.run()
    # A put of 500 takes a second: ten of them in the ten seconds of a flush, beside those before the stop.
    sent = 500 * (10 + stop_at)
    assert rig.stream.seqs == list(range(1, sent + 1))
    assert (summary.finished, summary.sent, summary.spooled) == (True, sent, 10_000 - sent)
    assert rig.real.now_ms() <= 1_000 * (stop_at + 11)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [f"{10_000 - sent} ticks are left in the spool; the next run sends them first"]


def test_a_flush_ends_although_the_clock_is_set_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([]))
    rig.spool.append(waiting(10_000))
    make_puts_slow(rig, stop_at=0)
    rig.stop.set()
    put = rig.stream.put

    def put_and_turn_back(records: list[Record], stop: Event) -> Outcome:
        outcome = put(records, stop)
        if len(rig.stream.puts) == 5:
            rig.real._ms -= 3_600_000
        return outcome

    rig.stream.put = put_and_turn_back  # type: ignore[method-assign]
    assert rig.run().finished
    assert len(rig.stream.puts) <= 10


def test_an_error_of_the_source_ends_the_run_and_what_was_polled_is_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Prices([poll(0, "a"), SourceError("bad key")], instant=True))
    with pytest.raises(SourceError):
        rig.run()
    assert rig.summary()["seq"] == 2
    assert rig.spool.pending == 2


def test_warnings_of_the_source_are_passed_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Rig(tmp_path, Prices([poll(0, warnings=["no price for aave"])])).run()
    assert "no price for aave" in caplog.messages


@pytest.mark.parametrize(("seconds", "warned"), [(30, False), (30.1, True)])
def test_a_bar_too_short_for_the_polls_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seconds: float, warned: bool
) -> None:
    Rig(tmp_path, Prices([]), poll_seconds=seconds).run()
    assert any("base_interval" in message for message in caplog.messages) is warned


def test_the_recorded_trades_go_whole_and_in_order_and_close_their_last_window(
    shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "market" / "xrp_eth_trades_2019-10-11_to_13.csv.gz"
    more: dict[str, Any] = {"poll_seconds": 60, "source": "replay", "replay": {"path": str(path), "coin_id": "ripple"}}
    settings = Settings.model_validate({"producer": more})
    rig = Rig(tmp_path, ReplaySource(settings, Event()), **more)
    summary = rig.run()
    sent = [json.loads(record.data) for record in rig.stream.records]
    assert [each["seq"] for each in sent] == list(range(1, len(sent) + 1))
    trades = [each["event_seq"] for each in sent if each["price"] is not None]
    assert len(trades) == summary.ticks == 12_477
    assert (trades[0], trades[-1]) == (13_519_807, 13_532_283)
    assert trades == sorted(trades)
    assert sent[-1]["coin_id"] == "_heartbeat"
    # The last trade's minute ends at 2019-10-13T11:20:00Z; the default watermark trails by 7 minutes.
    assert sent[-1]["event_time"] == 1_570_965_600_000 + 420_000
    assert all(each["event_time"] <= each["polled_at"] for each in sent)


def test_the_summary_is_written_at_most_once_a_second(tmp_path: Path) -> None:
    clock = VirtualClock(0)
    file, path = SummaryFile(tmp_path / "s", clock), tmp_path / "s"
    written = []
    for seq in range(5):
        file.write(Summary("p", "replay", first_seq=1, seq=seq))
        written.append(json.loads(path.read_text())["seq"])
        clock.sleep(0.5, Event())
    assert written == [0, 0, 2, 2, 4]
    file.write(Summary("p", "replay", first_seq=1, seq=9), now=True)
    assert json.loads(path.read_text())["seq"] == 9
    clock._ms = 500
    file.write(Summary("p", "replay", first_seq=1, seq=10))
    # A clock that was set back does not hold it up.
    assert json.loads(path.read_text())["seq"] == 10
    with pytest.raises(StorageError):
        SummaryFile(tmp_path / "gone" / "s", clock).write(Summary("p", "replay", first_seq=1, seq=9))
